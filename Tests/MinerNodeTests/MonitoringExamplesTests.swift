import Foundation
import Testing
import Wire

@Suite("The examples for Prometheus and Grafana") struct MonitoringExamplesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let dashboard = root.appending(path: "examples/grafana/adit-miner.json")
    private static let rules = root.appending(path: "examples/prometheus/adit-alerts.yml")

    /// Names that the code describes, wherever it does.
    private static func described() throws -> Set<String> {
        var names: Set<String> = []
        let sources = root.appending(path: "Sources").resolvingSymlinksInPath()
        for case let file as String in FileManager.default.enumerator(atPath: sources.path) ?? .init() where file.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
            for match in text.matches(of: /describe\("([a-z_]+)"/) { names.insert(String(match.1)) }
        }
        return names
    }

    @Test("name only metrics that there are", arguments: [dashboard, rules]) func metrics(_ file: URL) throws {
        let described = try Self.described()
        let text = try String(contentsOf: file, encoding: .utf8)
        let named = Set(text.matches(of: /\badit_[a-z_]+/).map { String($0.output) })
        #expect(described.count > 20 && named.count >= 7)
        for name in named {
            let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
            #expect(described.contains(name) || described.contains(family), "\(name) is in \(file.lastPathComponent) and not in the code")
        }
    }

    @Test("are whole: a dashboard with queries in every panel, and rules that say what to do") func whole() throws {
        let json = try JSON.parse(try String(contentsOf: Self.dashboard, encoding: .utf8), reals: true)
        let panels = try #require(json["panels"]?.arrayValue)
        #expect(
            panels.count >= 12 && panels.allSatisfy { panel in panel["targets"]?.arrayValue?.allSatisfy { $0["expr"]?.stringValue?.isEmpty == false } == true })
        #expect(Set(panels.map { $0["id"]?.integerValue }).count == panels.count)
        let rules = try String(contentsOf: Self.rules, encoding: .utf8)
        let count = rules.components(separatedBy: "- alert:").count
        for member in ["expr:", "severity:", "summary:", "description:"] { #expect(rules.components(separatedBy: member).count == count, "\(member)") }
    }
}
