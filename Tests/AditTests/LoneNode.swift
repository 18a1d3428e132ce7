import Foundation
import Testing

/// A node of a fresh chain as a process of its own, with a block a second and a client that has money.
enum LoneNode {
    /// Calls `body` with the node's URL once it answers. The client's key is `client.key` in `folder`, with 100 AIT.
    static func run(in folder: URL, chain: String = "ait-lone", _ body: (String) async throws -> Void) async throws {
        let made = try await Program.run(
            ["node", "init", "--plain", "--chain-id", chain, "--fund", "client.key=100", "--param", "block_interval_s=1"], in: folder)
        #expect(made.status == 0, "\(made.complaints)")
        let run = ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0", "--proposer-key", "data/proposer.key"]
        try await Program.whileRunning(run, in: folder, until: "node_ready") { _, log in
            let rest = try #require(log.components(separatedBy: "\"rpc_port\":").dropFirst().first)
            try await body("http://127.0.0.1:\(rest.prefix { $0.isNumber })")
        }
    }
}
