import Foundation

/// The built program, run as a person would run it.
enum Program {
    struct Outcome {
        let status: Int32
        let output: String
        let complaints: String
    }

    /// Beside the test bundle, where the build put it.
    static let url: URL = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "adit")
    }()

    /// Runs to the end on a thread of its own. The environment holds nothing of the caller's but what a program needs.
    static func run(_ arguments: [String], in folder: URL, environment: [String: String] = [:], input: String? = nil) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try runNow(arguments, folder, environment, input) })
            }.start()
        }
    }

    /// Runs a script in bash, likewise.
    static func shell(_ script: String, in folder: URL, environment: [String: String] = [:]) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try runNow(["-c", script], folder, environment, nil, program: URL(filePath: "/bin/bash")) })
            }.start()
        }
    }

    /// What a program needs of the caller's environment, and `more`.
    static func environment(_ more: [String: String]) -> [String: String] {
        let inherited = ["PATH", "HOME", "LD_LIBRARY_PATH"].compactMap { name in ProcessInfo.processInfo.environment[name].map { (name, $0) } }
        return Dictionary(inherited, uniquingKeysWith: { $1 }).merging(more) { $1 }
    }

    private static func runNow(
        _ arguments: [String], _ folder: URL, _ environment: [String: String], _ input: String?, program: URL = url
    ) throws -> Outcome {
        let (process, out, err) = try prepare(arguments, in: folder, environment, program: program)
        let pipe = Pipe()
        process.standardInput = pipe
        try process.run()
        if let input { try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try pipe.fileHandleForWriting.close()
        process.waitUntilExit()
        return try outcome(process, out, err)
    }

    /// Runs to the end with a terminal for its standard input; `answer` is called with the number of each question as it is asked.
    static func run(
        _ arguments: [String], in folder: URL, terminal: Pseudoterminal, answer: (Int) throws -> Void
    ) async throws -> Outcome {
        let (process, out, err) = try prepare(arguments, in: folder, [:])
        process.standardInput = terminal.terminal
        try process.run()
        var answered = 0
        while process.isRunning {
            // A question ends without a line's end; the program is silent until it is answered.
            let text = String(decoding: try Data(contentsOf: err), as: UTF8.self)
            let asked =
                text.components(separatedBy: "New passphrase for").count + text.components(separatedBy: "The same again:").count
                + text.components(separatedBy: "Passphrase of").count - 3
            if asked > answered {
                answered = asked
                try answer(asked)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try outcome(process, out, err)
    }

    /// Runs to the end with a terminal for its standard input; `answer` is given each question (what the last line of standard error says
    /// once it is ended by neither a line's end nor the program) and gives the keys that are pressed.
    /// - Parameter onScreen: standard output goes to the terminal, too; `terminal.echoed` then tells what was shown.
    static func converse(
        _ arguments: [String], in folder: URL, terminal: Pseudoterminal, onScreen: Bool = false, answer: (String) throws -> String
    ) async throws -> Outcome {
        let (process, out, err) = try prepare(arguments, in: folder, [:])
        process.standardInput = terminal.terminal
        if onScreen { process.standardOutput = terminal.terminal }
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        var seen = 0
        while process.isRunning {
            let text = try Data(contentsOf: err)
            // Every question ends in a colon or a full stop and a space.
            if text.count > seen, text.last == UInt8(ascii: " ") {
                let question = text[seen...].split(separator: UInt8(ascii: "\n")).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
                seen = text.count
                try terminal.press(try answer(question))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try outcome(process, out, err)
    }

    /// Runs a service, calls `body` with its process and log once the log holds `word`, and stops it.
    static func whileRunning(
        _ arguments: [String], in folder: URL, environment: [String: String] = [:], until word: String, _ body: (Process, String) async throws -> Void
    ) async throws {
        let (process, out, err) = try prepare(arguments, in: folder, environment)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        while true {
            let log = String(decoding: try Data(contentsOf: err), as: UTF8.self)
            if log.contains(word) {
                try await body(process, log)
                break
            }
            guard process.isRunning else { throw CocoaError(.featureUnsupported, userInfo: ["log": log]) }
            try await Task.sleep(for: .milliseconds(10))
        }
        process.terminate()
        while process.isRunning { try await Task.sleep(for: .milliseconds(10)) }
        _ = try outcome(process, out, err)
    }

    private static func prepare(
        _ arguments: [String], in folder: URL, _ environment: [String: String], program: URL = url
    ) throws -> (Process, out: URL, err: URL) {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = Self.environment(environment)
        // Files instead of pipes: a full pipe would stop a program that says much.
        let name = UUID().uuidString
        let (out, err) = (folder.appending(path: "\(name).out"), folder.appending(path: "\(name).err"))
        for file in [out, err] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: out)
        process.standardError = try FileHandle(forWritingTo: err)
        return (process, out, err)
    }

    private static func outcome(_ process: Process, _ out: URL, _ err: URL) throws -> Outcome {
        defer { for file in [out, err] { try? FileManager.default.removeItem(at: file) } }
        return Outcome(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: out), as: UTF8.self),
            complaints: String(decoding: try Data(contentsOf: err), as: UTF8.self))
    }

    /// A folder that is gone when `body` ends.
    static func inFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }
}
