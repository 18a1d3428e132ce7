import Foundation
import Testing

/// Services that were told of different chains, or aren't on the chain's list: each says so by itself, and does no harm meanwhile.
@Suite struct MisconfigurationTests {
    /// The first integer after `name` in a log.
    private static func port(_ name: String, in log: String) throws -> Int {
        let rest = try #require(log.components(separatedBy: "\"\(name)\":").dropFirst().first)
        return try #require(Int(rest.prefix { $0.isNumber }))
    }

    @Test(.timeLimit(.minutes(2))) func theWrongChainIsSaid() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["node", "init", "--plain", "--coordinator-key", "listed.key"], in: folder)
            #expect(made.status == 0, "\(made.complaints)")
            _ = try await Program.run(["wallet", "new", "unlisted.key", "--plain"], in: folder)
            _ = try await Program.run(["wallet", "new", "miner.key", "--plain"], in: folder)

            let node = try Background.start(["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0"], in: folder)
            defer { node.stop() }
            try await node.wait(for: "node_ready", upTo: .seconds(30))
            let nodeURL = "http://127.0.0.1:\(try Self.port("rpc_port", in: node.said))"
            let run = ["coordinator", "run", "--bind", "127.0.0.1:0", "--node", nodeURL]

            let stranger = try Background.start(run + ["--key", "listed.key", "--chain-id", "other", "--data", "a"], in: folder)
            defer { stranger.stop() }
            // In either order: the chain may be asked before the port is open.
            for event in ["wrong_chain", "coordinator_ready"] { try await stranger.wait(for: event, upTo: .seconds(30)) }
            #expect(stranger.said.contains("is a node of chain ait-devnet, this coordinator works for other; set CHAIN_ID, or NODE_URL"))
            let health = try await Program.shell("curl -s http://127.0.0.1:\(try Self.port("port", in: stranger.said))/health", in: folder)
            #expect(health.output.contains("\"code\":\"syncing\""), "\(health.output)")
            try await Program.whileRunning(run + ["--key", "unlisted.key", "--data", "b"], in: folder, until: "coordinator_not_listed") { _, _ in }

            let coordinator = try Background.start(run + ["--key", "listed.key", "--data", "c"], in: folder)
            defer { coordinator.stop() }
            try await coordinator.wait(for: "coordinator_ready", upTo: .seconds(30))
            let miner = [
                "miner", "run", "--bind", "127.0.0.1:0", "--key", "miner.key", "--node", nodeURL, "--chain-id", "other", "--data", "m", "--coordinator",
                "http://127.0.0.1:\(try Self.port("port", in: coordinator.said))",
            ]
            try await Program.whileRunning(miner, in: folder, until: "wrong_chain") { _, log in
                #expect(log.contains("the coordinator works for chain ait-devnet, this miner for other; set CHAIN_ID"))
                #expect(!log.contains("\"event\":\"registered\""))
            }
            #expect(!coordinator.said.contains("not_listed") && !coordinator.said.contains("worker_registered"))
        }
    }

    @Test func aPortThatIsTakenIsSaidPlainly() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["node", "init", "--plain"], in: folder)
            let node = ["node", "run", "--p2p", "127.0.0.1:0"]
            try await Program.whileRunning(node + ["--rpc", "127.0.0.1:0"], in: folder, until: "node_ready") { _, log in
                let port = try Self.port("rpc_port", in: log)
                let outcome = try await Program.run(node + ["--rpc", "127.0.0.1:\(port)", "--db", "second.db"], in: folder)
                #expect(outcome.status == 1)
                #expect(outcome.complaints.contains("can't listen on 127.0.0.1:\(port): another program does"), "\(outcome.complaints)")
            }
        }
    }
}
