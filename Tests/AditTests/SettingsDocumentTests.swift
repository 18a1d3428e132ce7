import Foundation
import TestSupport
import Testing

/// Settings are written down three times: in the program, in `.env.example` and in PROTOCOL section 13.
@Suite struct SettingsDocumentTests {
    private static func text(_ path: String) throws -> String { try String(contentsOf: Vectors.packageRoot.appending(path: path), encoding: .utf8) }

    /// `NAME` of every `#NAME=…` line with the value, in order.
    private static func examples() throws -> [(name: String, value: String)] {
        try text(".env.example").split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: /#([A-Z][A-Z0-9_]+)=(.*)/) else { return nil }
            return (String(match.1), String(match.2))
        }
    }

    @Test func theExampleAndTheProtocolNameTheSameSettings() throws {
        let section = try #require(try Self.text("docs/PROTOCOL.md").components(separatedBy: "## 13. Configuration").last)
        let table = (section.components(separatedBy: "\n## ").first ?? "").split(separator: "\n")
            .compactMap { $0.prefixMatch(of: /\| `([A-Z0-9_]+)` \|/).map { String($0.1) } }
        let examples = try Self.examples().map(\.name)
        #expect(examples.count == Set(examples).count)
        #expect(Set(examples) == Set(table))
        #expect(examples.count >= 33)
    }

    /// A config file may hold each of them, and the list of names that a wrong key is compared with holds no other.
    @Test func theProgramKnowsThemAndNoOthers() async throws {
        let names = try Self.examples().map(\.name)
        let source = try Self.text("Sources/adit/Settings/Settings.swift")
        let list = try #require(source.components(separatedBy: "static let names: Set<String> = [").last?.components(separatedBy: "]").first)
        #expect(Set(list.matches(of: /"([A-Z0-9_]+)"/).map { String($0.1) }) == Set(names))
        // Each is read somewhere: a name that nobody asks for is a promise that nobody keeps.
        let readers = try Self.sources().filter { !$0.path.hasSuffix("Settings/Settings.swift") }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for name in names where !["BOOTSTRAP_PEERS", "MINT_PER_UNIT", "COORDINATOR_RATIO"].contains(name) {
            #expect(readers.contains("\"\(name)\""), "nothing reads \(name)")
        }
    }

    private static func sources() throws -> [URL] {
        let folder = Vectors.packageRoot.appending(path: "Sources/adit")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return files?.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
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
