import ChainClient
import Jobs
import Ledger
import Signing
import Testing
import Wire

@Suite("Bad input: transactions and deposits, at a real node") struct BadInputTransactionTests {
    @Test("Bodies that are no transaction, or too much, are refused and nobody notices") func bodies() async throws {
        try await MinerWorld.run { world in
            let mark = try await world.mark()
            let good = world.transfer(try Transfer(to: world.miner.address, amount: 5))
            let text = good.json.canonicalString
            let payload = try #require(good.json["payload"])
            let cases: [(Problem.Code, String)] = [
                (.badJSON, ""), (.badJSON, "{"), (.badJSON, "null x"), (.badJSON, "\u{feff}" + text), (.badJSON, text + ","),
                (.badJSON, String(repeating: "[", count: 65) + String(repeating: "]", count: 65)), (.badJSON, #"{"type":"\ud800"}"#), (.wrongType, "[]"),
                (.wrongType, "7"), (.duplicateKey, #"{"fee":1,"fee":1}"#), (.notAnInteger, text.replacing(#""fee":10"#, with: #""fee":10.0"#)),
                (.notAnInteger, text.replacing(#""fee":10"#, with: #""fee":1e1"#)), (.notAnInteger, text.replacing(#""fee":10"#, with: #""fee":-10"#)),
                (.wrongType, text.replacing(#""fee":10"#, with: #""fee":"10""#)), (.wrongType, text.replacing(#""fee":10"#, with: #""fee":null"#)),
                (.wrongType, good.json.replacing("payload", "x").canonicalString), (.missingField, good.json.replacing("sig", nil).canonicalString),
                (.unknownField, good.json.replacing("memo", "x").canonicalString),
                (.unknownField, good.json.replacing("payload", payload.replacing("tip", 1)).canonicalString),
                (.outOfRange, good.json.replacing("payload", payload.replacing("amount", 0)).canonicalString),
                (.badAddress, good.json.replacing("sender", .string(world.client.address.text.uppercased())).canonicalString),
                (.payloadTooLarge, good.json.replacing("memo", .string(String(repeating: "x", count: 20_000))).canonicalString),
                (.payloadTooLarge, String(repeating: " ", count: 100_000)),
            ]
            for path in ["/rpc/sendTx", "/rpc/submitReceipt"] {
                for (code, body) in cases { try expectProblem(try await world.post(path, Array(body.utf8)), code, String(body.prefix(80))) }
                let endless = HTTPRequest(.post, world.nodeURL, path: path, body: DeclaredLength(byteCount: 1 << 40))
                try expectProblem(try await world.http.send(endless), .payloadTooLarge)
            }
            try await world.refuse(good, .unsupportedTransaction, to: "/rpc/submitReceipt")
            try await world.expectUnchanged(since: mark)
        }
    }

    @Test("Wrong signatures, gaps and replays are refused; the right transaction counts once") func signaturesAndNonces() async throws {
        try await MinerWorld.run { world in
            let mark = try await world.mark()
            let gift = try Transfer(to: world.miner.address, amount: 5)
            let good = world.transfer(gift)
            let foreign = try PrivateKey.generate()
            let elsewhere = world.transfer(gift, chain: try ChainID("ait-elsewhere"))
            try await world.refuse(elsewhere, .badSignature, "another chain's")
            let wrong: [(String, JSON)] = [
                ("fee", 11), ("sig", .string(elsewhere.signature.hex)), ("pubkey", .string(foreign.publicKey.hex)),
                ("payload", Payload.transfer(try Transfer(to: world.miner.address, amount: 6)).json),
            ]
            for (key, value) in wrong {
                try expectProblem(try await world.post("/rpc/sendTx", good.json.replacing(key, value).canonicalBytes), .badSignature, key)
            }
            // No key, for a sender that the chain has not seen; and an account without money.
            try expectProblem(try await world.post("/rpc/sendTx", good.json.replacing("pubkey", nil).canonicalBytes), .badSignature)
            try await world.refuse(world.transfer(gift, by: foreign), .insufficientBalance)
            try await world.refuse(world.transfer(gift, nonce: 0), .nonceTooLow)
            try await world.refuse(world.transfer(gift, nonce: 2), .nonceGap)
            try await world.refuse(world.transfer(gift, nonce: JSON.maxInteger), .nonceGap)
            try await world.refuse(world.transfer(gift, fee: 9), .feeTooLow)
            try await world.refuse(world.transfer(try Transfer(to: world.miner.address, amount: JSON.maxInteger)), .insufficientBalance)
            try await world.expectUnchanged(since: mark)

            try await world.settle(good)
            let after = try await world.mark()
            #expect(after.client.balance == MinerWorld.funds - 15 && after.client.nonce == 1)
            try await world.refuse(good, .nonceTooLow, "a replay")
            try expectProblem(try await world.post("/rpc/sendTx", good.json.replacing("nonce", 2).canonicalBytes), .badSignature, "a replay, renumbered")
            try await world.refuse(world.transfer(gift, nonce: 3), .nonceGap)
            try await world.expectUnchanged(since: after)
            #expect(try await world.earned() == 5)
        }
    }

    @Test("A deposit that isn't its quote's buys nothing and costs nothing; the right one is taken once") func deposits() async throws {
        try await MinerWorld.run { world in
            let worker = try await world.worker()
            let work = try SampleWork()
            let quote = try await world.quote(work)
            let other = try await world.quote(try SampleWork(seed: "other"))
            let mark = try await world.mark()
            #expect(mark.jobs == ["quoted": 2])
            let forger = try PrivateKey.generate()

            for amount in [quote.price - 1, quote.price + 1, 1] {
                try await world.refuse(world.transfer(try Transfer(to: .escrow, amount: amount, quote: quote)), .escrowMismatch, "\(amount)")
            }
            try await world.refuse(world.transfer(try Transfer(to: .escrow, amount: quote.price)), .escrowMismatch, "no quote")
            try await world.refuse(world.transfer(try Transfer(to: world.miner.address, amount: quote.price, quote: quote)), .escrowMismatch, "no escrow")
            // Each altered member of a quote, paid as it then says.
            let altered: [(String, JSON, Problem.Code)] = [
                ("price", 1, .badSignature), ("compute_units", 1_000_000, .badSignature), ("parts", 2, .badSignature),
                ("expires_height", 1_000_000, .badSignature),
                ("sig", .string(other.signature.hex), .badSignature), ("coordinator_pubkey", .string(forger.publicKey.hex), .unknownCoordinator),
                ("job_id", .string(other.jobID.text), .escrowMismatch), ("spec_hash", .string(Digest.zero.hex), .escrowMismatch),
                ("salt", .string(String(repeating: "0", count: 32)), .escrowMismatch), ("client_addr", .string(forger.address.text), .escrowMismatch),
            ]
            for (key, value, code) in altered {
                let lie = try Quote(quote.json.replacing(key, value))
                try await world.refuse(world.transfer(try Transfer(to: .escrow, amount: lie.price, quote: lie)), code, key)
                // The client itself would not have paid.
                #expect(throws: Problem.self, "\(key)") {
                    try TaskAnswer(quote: lie, verification: .null).check(spec: work.spec, client: world.client.address, chain: world.chain)
                }
            }
            // A quote made up by somebody whom the chain doesn't list.
            let invented = try Quote.signed(
                by: forger, chain: world.chain, client: world.client.address, specHash: quote.specHash, salt: quote.salt, computeUnits: quote.computeUnits,
                price: quote.price, expiresHeight: quote.expiresHeight)
            try await world.refuse(world.transfer(try Transfer(to: .escrow, amount: quote.price, quote: invented)), .unknownCoordinator, "invented")
            let unknown = world.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote)).json
            let payload = try #require(unknown["payload"])
            let extended = unknown.replacing("payload", payload.replacing("quote", quote.json.replacing("discount", 1)))
            try expectProblem(try await world.post("/rpc/sendTx", extended.canonicalBytes), .unknownField)
            try await world.expectUnchanged(since: mark)
            #expect(try await world.node.getEscrow(quote.jobID) == nil)
            #expect(try await worker.client.lease(max: 1, waitSeconds: 0).isEmpty)

            let deposit = try Transfer(to: .escrow, amount: quote.price, quote: quote)
            try await world.settle(world.transfer(deposit))
            try await world.refuse(world.transfer(deposit, nonce: 2), .escrowExists, "a second deposit")
            try await world.until("queued") { try await world.status(quote).phase == "queued" }
            #expect(try await world.status(other).phase == "quoted")
            #expect(try await worker.lease(wait: 60).jobID == quote.jobID)
            #expect(try await world.node.getBalance(world.client.address).balance == MinerWorld.funds - quote.price - 10)
        }
    }
}
