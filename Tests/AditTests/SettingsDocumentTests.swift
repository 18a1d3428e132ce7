import Foundation
import TestSupport
import Testing

/// `.env.example` as somebody uses it; that it says what the program knows is tested where the table of settings is.
@Suite struct SettingsDocumentTests {
    private static func text(_ path: String) throws -> String { try String(contentsOf: Vectors.packageRoot.appending(path: path), encoding: .utf8) }

    /// `NAME` of every `#NAME=…` line with the value, in order.
    private static func examples() throws -> [(name: String, value: String)] {
        try text(".env.example").split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: /#([A-Z][A-Z0-9_]+)=(.*)/) else { return nil }
            return (String(match.1), String(match.2))
        }
    }

    /// The defaults that the example gives are values that the program takes.
    @Test func theExampleCanBeUsedAsItIs() async throws {
        try await Program.inFolder { folder in
            let lines = try Self.examples().filter { !$0.value.isEmpty }.map { "\($0.name)=\($0.value)" }
            try Data((lines + ["RPC_BIND=127.0.0.1:0", "P2P_BIND=127.0.0.1:0"]).joined(separator: "\n").utf8).write(to: folder.appending(path: ".env"))
            let made = try await Program.run(["node", "init", "--plain"], in: folder)
            #expect(made.status == 0, "\(made.complaints)")
            try await Program.whileRunning(["node", "run"], in: folder, until: "node_ready") { _, _ in }
        }
    }
}
