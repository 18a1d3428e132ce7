import Foundation
import Wire

/// What another program says on its standard output.
enum ChildAnswer {
    /// The output of a program that ended well in time, at most 64 KiB of it; nil otherwise. Blocks for as long as that takes.
    static func ask(_ program: String, _ arguments: [String], timeout: Duration) -> String? {
        guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        guard (try? process.run()) != nil else { return nil }
        // A pipe holds 64 KiB: a program that says more waits here, and is ended like one that hangs.
        guard ended.wait(timeout: .now() + timeout.seconds) == .success else {
            process.terminate()
            return nil
        }
        guard process.terminationStatus == 0, process.terminationReason == .exit else { return nil }
        let data = (try? pipe.fileHandleForReading.read(upToCount: 1 << 16)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}
