import Foundation
import Testing
import Wire

/// Payments by a real node: each is made once, whatever else the same key does.
@Suite struct PaymentTests {
    private func member(_ name: String, _ outcome: Program.Outcome) throws -> Int64 {
        #expect(outcome.status == 0, "\(outcome.complaints)")
        return try #require(try JSON.parse(Array(outcome.output.utf8.dropLast()))[name]?.integerValue)
    }

    /// - Parameter lost: how many answers to `sendTx` are lost on their way.
    @Test("Several at once with one key are paid once each, also where answers get lost", .timeLimit(.minutes(2)), arguments: [0, 3])
    func severalAtOnce(lost: Int) async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["wallet", "new", "shop.key", "--plain", "--json"], in: folder)
            let shop = try #require(try JSON.parse(Array(made.output.utf8.dropLast()))["address"]?.stringValue)
            try await LoneNode.run(in: folder) { node in
                let target = try #require(UInt16(node.split(separator: ":").last ?? ""))
                let thief = try AnswerThief(to: target, request: "POST /rpc/sendTx ", count: lost)
                defer { thief.close() }
                let road = "http://127.0.0.1:\(thief.port)"
                let outcomes = try await withThrowingTaskGroup(of: Program.Outcome.self) { group in
                    // Different amounts, so that the sum tells which were paid.
                    for amount in [1, 2, 4, 8, 16] {
                        group.addTask { try await Program.run(["wallet", "send", shop, "\(amount)", "--key", "client.key", "--node", road], in: folder) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(thief.remaining == 0)
                for outcome in outcomes { #expect(outcome.status == 0, "\(outcome.complaints)") }
                #expect(try member("balance", try await Program.run(["wallet", "balance", shop, "--node", node, "--json"], in: folder)) == 31_000_000)
                let client = try await Program.run(["wallet", "balance", "--key", "client.key", "--node", node, "--json"], in: folder)
                #expect(try member("nonce", client) == 5)
                #expect(try member("balance", client) == 69_000_000 - 5 * 10)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func whatIsWrongIsSaidBeforeMoneyMoves() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["wallet", "new", "poor.key", "--plain"], in: folder)
            let to = try await Program.run(["wallet", "address", "poor.key"], in: folder).output.prefix { $0 != "\n" }
            try await LoneNode.run(in: folder, chain: "ait-other") { node in
                func send(_ more: [String]) async throws -> Program.Outcome {
                    try await Program.run(["wallet", "send", String(to), "1", "--node", node] + more, in: folder)
                }
                // The chain's name is the node's, unless another was given.
                #expect(try await send(["--key", "client.key"]).status == 0)
                let wrong = try await send(["--key", "client.key", "--chain-id", "ait-devnet"])
                #expect(wrong.status == 1 && wrong.complaints.contains("[wrong_chain]"), "\(wrong.complaints)")
                #expect(wrong.complaints.contains("is of chain ait-other, and you gave ait-devnet"), "\(wrong.complaints)")
                let poor = try await send(["--key", "poor.key"])
                #expect(poor.status == 0 || poor.complaints.contains("holds 1.000000 AIT; this needs 1.000010 AIT"), "\(poor.complaints)")
                #expect(poor.status == 1 && poor.complaints.contains("[insufficient_balance]"))
                let lost = try await Program.run(["job", "list", "--key", "client.key", "--coordinator", node], in: folder)
                #expect(lost.complaints.contains("\(node) has nothing at /network/state: is it another service's URL?"), "\(lost.complaints)")
                let nobody = try await Program.run(["wallet", "balance", "--node", node], in: folder)
                #expect(nobody.complaints.contains("give an address, or whose key it is"), "\(nobody.complaints)")
            }
        }
    }
}
