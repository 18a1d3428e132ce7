import Foundation
import Operations
import TestSupport
import Testing

/// What is written about settings and reasons is what the program's tables say.
@Suite struct SettingDocumentTests {
    private static func text(_ path: String) throws -> String { try String(contentsOf: Vectors.packageRoot.appending(path: path), encoding: .utf8) }

    @Test func theExampleIsTheTables() throws {
        #expect(try Self.text(".env.example") == SettingDocuments.environmentExample, "write it anew: adit config document env > .env.example")
    }

    @Test func theProtocolsTableIsTheTables() throws {
        let section = try #require(
            try Self.text("docs/PROTOCOL.md").components(separatedBy: "## 13. Configuration").last?.components(separatedBy: "\n## ").first)
        #expect(section.contains(SettingDocuments.protocolTable), "write it anew: adit config document table")
        #expect(section.split(separator: "\n").filter { $0.hasPrefix("| `") }.count == Setting.all.count)
    }

    @Test func theOperatorsPageHasEveryReason() throws {
        #expect(try Self.text("docs/OPERATORS.md").contains(ReasonDocument.tables), "write it anew: adit reasons --document")
    }

    /// A name that nobody asks for is a promise that nobody keeps.
    @Test func everySettingIsReadSomewhere() throws {
        let folder = Vectors.packageRoot.appending(path: "Sources").resolvingSymlinksInPath()
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        var table = ""
        var readers = ""
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            if file.lastPathComponent.hasPrefix("Setting+") { table += text } else { readers += text }
        }
        let members = table.matches(of: /package static let (\w+) = Setting\(\s*"([A-Z0-9_]+)"/).map { (member: String($0.1), name: String($0.2)) }
        #expect(members.count == Setting.all.count - Setting.limits.count)
        for (member, name) in members where name != "BOOTSTRAP_PEERS" {
            #expect(readers.contains(".\(member)"), "nothing reads \(name)")
        }
    }

    /// The written file reads back without a mistake, says nothing by itself, and keeps chosen values.
    @Test func aWrittenConfigFileReadsBack() throws {
        for service in Setting.Service.allCases {
            let text = try ConfigText(SettingDocuments.config(for: [service]))
            #expect(text.faults.isEmpty && text.entries.isEmpty)
            #expect(text.text.split(separator: "\n").allSatisfy { $0.utf8.count <= 80 || $0.hasPrefix("#") && !$0.hasPrefix("# ") }, "\(service)")
            for setting in Setting.all where setting.services.contains(service) && setting.isInConfigFile {
                #expect(text.text.contains("\n#\(setting.key) = \(setting.standard ?? "")\n"))
            }
        }
        let values = ["MINER_POWER": "90", "MINER_DATA": "/a b #c", "PRICE_PER_UNIT": "7"]
        let chosen = try ConfigText(SettingDocuments.config(for: [.miner], values: values))
        #expect(chosen.faults.isEmpty)
        #expect(Dictionary(uniqueKeysWithValues: chosen.entries.map { ($0.setting.name, $0.value) }) == values)
    }

    /// Every commented line, without its #, is a line that the program takes.
    @Test func everyDefaultCanBeUncommented() throws {
        let lines = try SettingDocuments.config(for: Set(Setting.Service.allCases)).split(separator: "\n").map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && line.contains(" = ") ? line.dropFirst() : line
        }
        let text = ConfigText(lines.joined(separator: "\n"))
        #expect(text.faults.isEmpty)
        #expect(text.entries.count == Setting.all.filter(\.isInConfigFile).count)
        for entry in text.entries where !entry.value.isEmpty { try entry.setting.check(entry.value) }
        #expect(try OperatorLimits { setting in text.entries.first { $0.setting.name == setting.name }?.value } == OperatorLimits())
    }
}
