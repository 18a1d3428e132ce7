import Foundation
import TestSupport
import Testing

extension DevnetSuites {
    /// docs/CLIENTS.md is true: its `sh` blocks run in order, in one shell, against a devnet.
    @Suite struct ClientsDocumentTests {
        /// The text of all fenced blocks of one language, in order.
        static func blocks(_ language: String, in markdown: String) -> [String] {
            var blocks: [String] = []
            var current: [Substring]?
            for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
                if let lines = current {
                    if line == "```" {
                        blocks.append(lines.joined(separator: "\n"))
                        current = nil
                    } else {
                        current = lines + [line]
                    }
                } else if line == "```\(language)" {
                    current = []
                }
            }
            return blocks
        }

        @Test(.timeLimit(.minutes(5))) func everyLineRuns() async throws {
            let document = try String(contentsOf: Vectors.packageRoot.appending(path: "docs/CLIENTS.md"), encoding: .utf8)
            let script = Self.blocks("sh", in: document)
            #expect(script.count >= 8)
            try await Program.inFolder { folder in
                let devnet = try #require(RunningDevnet.current)
                let head = "set -euo pipefail\nexport PATH=\"\(Program.url.deletingLastPathComponent().path):$PATH\"\n"
                let outcome = try await Program.shell(
                    head + script.joined(separator: "\n"), in: folder,
                    environment: [
                        "NODE": "http://127.0.0.1:\(devnet.base)", "COORDINATOR": "http://127.0.0.1:\(devnet.base + 2)", "DEVNET": devnet.folder,
                        "EXAMPLES": Vectors.packageRoot.appending(path: "examples").path,
                    ])
                #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.complaints)")
                #expect(outcome.output.contains("\"code\":\"unauthorized\""))
            }
        }
    }
}
