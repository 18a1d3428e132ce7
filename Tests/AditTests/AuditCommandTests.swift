import Foundation
import Testing
import Wire

extension DevnetSuites {
    /// A paid job looked at again, as anybody can: audit, a proof of one leaf, evidence about one element.
    @Suite struct AuditCommandTests {
        @Test(.timeLimit(.minutes(5))) func paidJobsCanBeCheckedAgainByAnybody() async throws {
            try await Program.inFolder { folder in
                let devnet = try #require(RunningDevnet.current)
                let job = devnet.job
                func run(_ arguments: [String], expecting status: Int32 = 0) async throws -> String {
                    let outcome = try await Program.run(arguments + ["--devnet", devnet.folder], in: folder)
                    #expect(outcome.status == status, "\(arguments): \(outcome.output)\n\(outcome.complaints)")
                    return outcome.output
                }
                let secret = try await run(["audit", job, "--secret"])
                #expect(secret.contains("verdict    right") && secret.contains("class \"bits\""))
                // The document alone is enough for somebody without the client's key, once the eight blocks are there.
                try Data(try await run(["job", "result", job, "--json"]).utf8).write(to: folder.appending(path: "result.json"))
                var repeated: [String] = []
                while repeated.count < 2 {
                    let outcome = try await Program.run(["audit", job, "--result", "result.json", "--devnet", devnet.folder, "--json"], in: folder)
                    if outcome.status == 0 {
                        repeated.append(outcome.output)
                    } else {
                        try #require(outcome.complaints.contains("not_ready"), "\(outcome.complaints)")
                    }
                }
                let seeds = try repeated.map { try JSON.parse([UInt8]($0.utf8))["seed"]?.stringValue }
                #expect(seeds[0] != nil && seeds[0] == seeds[1], "a repeatable audit draws the same seed")

                _ = try await run(["prove", job, "--leaf", "1", "--output", "c", "--to", "leaf.json"])
                #expect(try await run(["check", "leaf.json"]).contains("it holds"))
                _ = try await run(["evidence", job, "--row", "3", "--column", "4", "--to", "evidence.json"])
                #expect(try await run(["check", "evidence.json"]).contains("verdict    right"))
                _ = try await run(["evidence", job, "--row", "3", "--column", "999999"], expecting: 1)

                // A changed element is not in the tensor whose root the receipt names.
                let text = try String(contentsOf: folder.appending(path: "leaf.json"), encoding: .utf8)
                let start = try #require(text.range(of: "\"bytes\":\"")?.upperBound)
                let changed = text.replacingCharacters(in: start..<text.index(after: start), with: text[start] == "A" ? "B" : "A")
                try Data(changed.utf8).write(to: folder.appending(path: "changed.json"))
                _ = try await run(["check", "changed.json"], expecting: 1)
            }
        }
    }
}
