import Foundation
import Testing

/// What a miner finds out about its machine at its first start, for tests that are about something else: found out once for all of them.
enum MeasuredMachine {
    /// By name: the choices among the CPU's libraries, OpenBLAS's core type, the measured profile of a miner without OpenCL.
    private static let files = Task { () -> [String: Data] in
        try await Program.inFolder { folder in
            let arguments = ["miner", "run", "--data", "m", "--key", "miner.key", "--bind", "127.0.0.1:0", "--coordinator", "http://127.0.0.1:9"]
            _ = try await Program.run(["wallet", "new", "miner.key", "--plain"], in: folder)
            let miner = try Background.start(arguments, in: folder, environment: ["MINER_OPENCL": "off"])
            defer { miner.stop() }
            // The profile is the last of them, and each is there whole or not at all.
            try await miner.wait(for: "a profile", upTo: .seconds(120)) {
                FileManager.default.fileExists(atPath: folder.appending(path: "m/profile.json").path)
            }
            var files: [String: Data] = [:]
            for name in ["backends.json", "openblas.json", "profile.json"] { files[name] = try? Data(contentsOf: folder.appending(path: "m/\(name)")) }
            return files
        }
    }

    /// Makes a miner's folder in which they are.
    static func copy(to folder: URL) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for (name, data) in try await files.value {
            let file = folder.appending(path: name)
            _ = FileManager.default.createFile(atPath: file.path, contents: data, attributes: [.posixPermissions: 0o600])
        }
    }
}
