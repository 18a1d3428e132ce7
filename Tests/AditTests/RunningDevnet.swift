import Foundation
import TestSupport
import Testing
import Wire

/// The tests of a whole system. All of them look at one devnet: it shows its two jobs with `--once` in an empty folder, then is started in the same
/// folder again and stays up.
@Suite(.devnet) enum DevnetSuites {}

/// A devnet for as long as the tests of a suite run.
struct RunningDevnet: Sendable {
    /// What came of `adit devnet --once` in an empty folder, and the services' log then, at level debug.
    let once: Program.Outcome
    let log: Data
    /// The devnet's folder, as a path from anywhere.
    let folder: String
    /// The first of its ports.
    let base: Int
    /// The identifier of the newest of the demonstration's jobs, which has class "bits".
    let job: String
    /// The devnet that is up now.
    let process: Background

    /// Of the suite that the test belongs to.
    @TaskLocal static var current: RunningDevnet?

    fileprivate static func with(_ body: @Sendable () async throws -> Void) async throws {
        try await Program.inFolder { folder in
            let net = folder.appending(path: "net").path
            // Below the range that outgoing connections take ports from (32768 on Linux), and apart from the other suites'.
            let base = Int.random(in: 280..<326) * 100
            let arguments = ["devnet", "--dir", net, "--port-base", String(base)]
            let examples = ["--examples", Vectors.packageRoot.appending(path: "examples").path]
            let once = try await Program.run(arguments + examples + ["--once"], in: folder, environment: ["LOG_LEVEL": "debug"])
            try #require(once.status == 0, "\(once.output)\n\(once.complaints)")
            let log = try Data(contentsOf: folder.appending(path: "net/devnet.log"))

            // Where nobody says where the examples are, they are found from the program's place on.
            let process = try Background.start(arguments, in: folder)
            defer { process.stop() }
            try await process.wait(for: "The devnet stays up; Ctrl-C stops it", upTo: .seconds(120))
            let list = try await Program.run(["job", "list", "--json", "--devnet", net], in: folder)
            let tasks = try JSON.parse([UInt8](list.output.utf8))["tasks"]?.arrayValue
            let job = try #require(tasks?.first?["taskId"]?.stringValue, "\(list.output)\(list.complaints)")
            let devnet = RunningDevnet(once: once, log: log, folder: net, base: base, job: job, process: process)
            try await $current.withValue(devnet, operation: body)
        }
    }
}

/// Starts the devnet before the first test of a suite and stops it after the last.
struct DevnetTrait: SuiteTrait, TestScoping {
    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        try await RunningDevnet.with(function)
    }
}

extension Trait where Self == DevnetTrait {
    static var devnet: Self { Self() }
}
