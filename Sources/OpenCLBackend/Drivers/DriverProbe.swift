import Dispatch
import Foundation
import Wire

/// Loads one driver in another process, since a driver that crashes takes its process with it.
///
/// The other process prints a line once it has asked for the devices, and another once they have computed the known answers
/// (`OpenCLBackend.probe`). Its output goes into a file: nothing can block, whatever it does.
struct DriverProbe {
    /// The program and its arguments.
    let command: [String]
    /// Whether CPUs behind OpenCL compute in it, and are wanted: a verdict holds for the same alone.
    var includesCPUs = false
    /// To load the driver and list its devices.
    var listing: Duration = .seconds(20)
    /// For the known answers, which may have to be compiled.
    var answers: Duration = .seconds(240)

    enum Verdict: Sendable, Equatable {
        case healthy
        /// Healthy, and no device of it is wanted: it has only CPUs. Loading it would cost a process tens of megabytes for nothing.
        case needless([DeviceIdentity])
        /// Why not. `isLasting`: it would be the same tomorrow; not so for what a busy machine may cause.
        case sick(String, isLasting: Bool)
    }

    /// - Parameter vendors: a folder with the driver's ICD file alone; nil: whatever the loader finds.
    func verdict(vendors: String?) -> Verdict {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-probe-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appending(path: "output").path
        guard let program = command.first,
            (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])) != nil,
            FileManager.default.createFile(atPath: output, contents: nil), let handle = FileHandle(forWritingAtPath: output)
        else { return .sick("can't be tried out: no room for temporary files", isLasting: false) }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(vendors.map { [DriverFile.variable: $0] } ?? [:]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        do { try process.run() } catch { return .sick("can't be tried out: \(error.localizedDescription)", isLasting: false) }
        let clock = ContinuousClock()
        let start = clock.now
        var lines = 0
        while ended.wait(timeout: .now() + .milliseconds(20)) == .timedOut {
            lines = Self.lines(output)
            guard clock.now - start > (lines == 0 ? listing : answers) else { continue }
            kill(process.processIdentifier, SIGKILL)
            // One that hangs in the kernel doesn't end even now: it is left behind.
            _ = ended.wait(timeout: .now() + .seconds(2))
            return .sick("hangs when \(Self.stage(lines)): no answer within \(lines == 0 ? listing : answers)", isLasting: false)
        }
        let said = FileManager.default.contents(atPath: output) ?? Data()
        lines = said.count { $0 == 0x0a }
        if process.terminationReason == .uncaughtSignal {
            return .sick("crashes (signal \(process.terminationStatus)) when \(Self.stage(lines))", isLasting: true)
        }
        guard process.terminationStatus == 0, lines >= 2 else {
            return .sick("ends its process (status \(process.terminationStatus)) when \(Self.stage(lines))", isLasting: true)
        }
        return verdict(Array(said.prefix { $0 != 0x0a }))
    }

    /// - Parameter found: the other process's first line. What it doesn't tell is not held against a driver.
    private func verdict(_ found: [UInt8]) -> Verdict {
        guard !includesCPUs, let list = (try? JSON.parse(found))?["devices"]?.arrayValue, !list.isEmpty else { return .healthy }
        let devices = list.compactMap { try? DeviceIdentity(reading: $0) }
        return devices.count == list.count && devices.allSatisfy { $0.kind == .cpu } ? .needless(devices) : .healthy
    }

    private static func stage(_ lines: Int) -> String { lines == 0 ? "it is loaded or asked for its devices" : "its devices compute" }

    private static func lines(_ path: String) -> Int { (FileManager.default.contents(atPath: path) ?? Data()).count { $0 == 0x0a } }
}
