import Foundation
import TestSupport
import Testing

/// The systemd units in `examples`, as systemd reads them.
@Suite struct UnitFileTests {
    private static let folder = Vectors.packageRoot.appending(path: "examples/systemd")
    private static let services = ["node", "coordinator", "miner"]
    static let hasSystemd = FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")

    /// Settings of a section by name; a name that stands twice has both values.
    private func settings(_ text: String) -> [String: [String]] {
        Dictionary(
            text.split(separator: "\n").compactMap { line in
                line.firstIndex(of: "=").map { (String(line[..<$0]), [String(line[line.index(after: $0)...])]) }
            }, uniquingKeysWith: +)
    }

    @Test(arguments: services) func unitsAreWhatTheProgramIs(name: String) throws {
        let unit = settings(try String(contentsOf: Self.folder.appending(path: "adit-\(name).service"), encoding: .utf8))
        #expect(unit["Type"] == ["notify"] && unit["NotifyAccess"] == ["main"] && unit["DynamicUser"] == ["yes"] && unit["WatchdogSec"] == ["60"])
        // A folder of its own: services of different users can't share one.
        #expect(unit["StateDirectory"] == ["adit-\(name)"] && unit["WorkingDirectory"] == ["/var/lib/adit-\(name)"])
        #expect(unit["ExecStart"] == ["/usr/local/bin/adit \(name) run"])
        // Secrets come as credentials or not at all.
        let environment = unit["Environment", default: []].joined()
        #expect(!environment.contains("PASSPHRASE") && !environment.contains("TOKEN"))
    }

    @Test(.enabled(if: Self.hasSystemd, "no systemd-analyze on this machine")) func systemdReadsThemAndFindsThemClosed() async throws {
        try await Program.inFolder { folder in
            let script = """
                cp -r '\(Self.folder.path)'/. . && sed -i 's#/usr/local/bin/adit#/bin/true#' *.service && systemd-analyze verify ./*.service 2>&1 || echo bad
                for unit in *.service; do systemd-analyze security --offline=yes --no-pager --threshold=20 ./$unit > /dev/null 2>&1 || echo open $unit; done
                """
            let outcome = try await Program.shell(script, in: folder)
            #expect(outcome.output == "", "\(outcome.output)")
        }
    }
}
