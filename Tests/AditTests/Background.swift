import Foundation
import Testing

/// The built program left running beside a test.
struct Background {
    private let process: Process
    private let output: URL

    static func start(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Background {
        let process = Process()
        process.executableURL = Program.url
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = Program.environment(environment)
        process.standardInput = FileHandle.nullDevice
        let output = folder.appending(path: "\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let log = try FileHandle(forWritingTo: output)
        process.standardOutput = log
        process.standardError = log
        try process.run()
        return Background(process: process, output: output)
    }

    /// What it has said so far.
    var said: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    /// Waits until it has said `words`; fails the test if it ends before, or takes longer than `limit`.
    func wait(for words: String, upTo limit: Duration) async throws {
        try await wait(for: "\"\(words)\"", upTo: limit) { said.contains(words) }
    }

    /// Waits until something is so, likewise.
    func wait(for what: String, upTo limit: Duration, _ isSo: () -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while !isSo() {
            try #require(process.isRunning && ContinuousClock.now < deadline, "waited for \(what): \(said)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    var pid: Int32 { process.processIdentifier }

    /// Waits for its end; the signal that ended it, or the exit code.
    func end() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Stops it as Ctrl-C does, and waits for its end.
    func stop() {
        process.interrupt()
        process.waitUntilExit()
    }
}
