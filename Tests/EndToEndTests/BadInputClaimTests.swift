import ChainClient
import Foundation
import Jobs
import Ledger
import Signing
import Testing
import Wire

@Suite("Bad input: results and claims, on the whole road") struct BadInputClaimTests {
    @Test("Altered results, receipts and claims are refused; the right ones are paid, once") func road() async throws {
        // No heartbeats are sent here.
        try await MinerWorld.run(leaseSeconds: 600) { world in
            let worker = try await world.worker()
            let thief = try await world.worker()
            let work = try SampleWork()
            let quote = try await world.quote(work)
            try await world.settle(world.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote)))
            let lease = try await worker.lease(wait: 60)
            let result = try await worker.result(lease, try work.outputs())

            let mark = try await world.mark()
            #expect(mark.jobs == ["leased": 1])
            try await Self.refuseResults(world, worker, thief, lease, result)
            try await world.expectUnchanged(since: mark)
            #expect(try await world.status(quote).failedChecks == 0)

            let claim = try await worker.client.submitResult(lease.id, result).claim
            let attested = try await world.mark()
            try await Self.refuseClaims(world, worker.key, thief.key, claim)
            try await world.expectUnchanged(since: attested)

            try await Self.payOnce(world, worker.key, thief.key, claim)
            #expect(try await world.node.getBalance(worker.payout).balance == quote.price + quote.computeUnits * 1_000 - 10)
            #expect(try await world.node.getBalance(thief.payout).balance == 0)
            #expect(try await world.node.getEscrow(quote.jobID)?.status == .settled)
        }
    }

    /// Everything that a worker could get wrong in its one commitment; none of it spends the lease.
    private static func refuseResults(_ world: MinerWorld, _ worker: TestWorker, _ thief: TestWorker, _ lease: Lease, _ good: LeaseResult) async throws {
        let path = "/leases/\(lease.id)/result"
        func send(_ json: JSON, by key: PrivateKey? = nil) async throws -> HTTPResponse {
            try await sendSigned(world.http, world.coordinatorURL, key ?? worker.key, .post, path, json.canonicalBytes, now: Self.now)
        }
        let json = good.json
        let receipt = try #require(json["receipt"])
        let output = try #require(json["output"])
        let other = String(repeating: "0", count: 32)
        let receipts: [(String, JSON?, Problem.Code)] = [
            ("miner_sig", .string(thief.key.sign(SHA256.hash(utf8: "else")).hex), .badSignature), ("miner_sig", "00", .badSignature),
            ("miner_sig", nil, .missingField), ("miner_pubkey", .string(thief.key.publicKey.hex), .wrongMiner),
            ("miner_addr", .string(thief.key.address.text), .wrongMiner), ("payout_addr", .string(thief.payout.text), .wrongMiner),
            ("compute_units", .integer(lease.quote.computeUnits + 1), .unitsMismatch), ("compute_units", "1", .wrongType),
            ("price", .integer(lease.quote.price + 1), .priceMismatch), ("client_addr", .string(thief.key.address.text), .escrowMismatch),
            ("part", 1, .escrowMismatch), ("nonce", .string(other), .escrowMismatch), ("receipt_id", .string("rcpt_" + other), .wrongReceiptID),
            ("output_hash", .string("sha256:" + Digest.zero.hex), .outputMismatch), ("bonus", 1, .unknownField),
        ]
        for (key, value, code) in receipts {
            try expectProblem(try await send(json.replacing("receipt", receipt.replacing(key, value))), code, key)
        }
        let outputs: [(String, JSON?, Problem.Code)] = [
            ("outputs", [], .outputMismatch), ("kernel", "softmax", .outputMismatch), ("arithmetic", "f32-panel256", .outputMismatch),
            ("arithmetic", "fast", .outOfRange), ("spec", .string(Digest.zero.hex), .outputMismatch), ("note", "x", .unknownField),
            ("outputs", "c", .wrongType),
        ]
        for (key, value, code) in outputs {
            try expectProblem(try await send(json.replacing("output", output.replacing(key, value))), code, key)
        }
        try expectProblem(try await send(json.replacing("fence", 2)), .staleFence)
        try expectProblem(try await send(json.replacing("fence", 0)), .outOfRange)
        try expectProblem(try await send(json.replacing("mint", 1)), .unknownField)
        try expectProblem(try await send(json, by: thief.key), .unknownLease, "another worker's lease")
        // A replay of a signed request is refused for that alone, whatever became of the first.
        let replayed = signedRequest(world.coordinatorURL, worker.key, .post, path, json.replacing("fence", 2).canonicalBytes, now: Self.now)
        try expectProblem(try await world.http.send(replayed), .staleFence)
        try expectProblem(try await world.http.send(replayed), .replayedNonce)
    }

    /// The coordinator has signed: the claim is worth money, to its miner alone and as it stands.
    private static func refuseClaims(_ world: MinerWorld, _ miner: PrivateKey, _ thief: PrivateKey, _ claim: ReceiptClaim) async throws {
        func transaction(_ claim: ReceiptClaim, _ key: PrivateKey, nonce: Int64 = 1) -> Transaction {
            .signed(by: key, chain: world.chain, nonce: nonce, fee: 10, payload: .receiptClaim(claim))
        }
        let terms = claim.terms
        let units = JSON.integer(terms.computeUnits + 1)
        let altered: [(String, JSON, Problem.Code)] = [
            ("compute_units", units, .unitsMismatch), ("compute_units", .integer(JSON.maxInteger), .unitsMismatch), ("compute_units", 0, .unitsMismatch),
            ("price", .integer(terms.price + 1), .priceMismatch), ("price", 0, .priceMismatch), ("payout_addr", .string(thief.address.text), .badSignature),
            ("output_hash", .string("sha256:" + Digest.zero.hex), .badSignature), ("miner_sig", .string(claim.coordinatorSignature.hex), .badSignature),
            ("coordinator_sig", .string(claim.minerSignature.hex), .badSignature), ("client_payment_tx", .string(Digest.zero.hex), .paymentMismatch),
            ("coordinator_pubkey", .string(thief.publicKey.hex), .unknownCoordinator), ("client_addr", .string(thief.address.text), .escrowMismatch),
            ("part", 1, .wrongReceiptID), ("nonce", .string(String(repeating: "0", count: 32)), .wrongReceiptID),
            ("job_id", .string("job_" + String(repeating: "0", count: 32)), .wrongReceiptID), ("miner_addr", .string(thief.address.text), .wrongMiner),
            ("miner_pubkey", .string(thief.publicKey.hex), .wrongMiner),
        ]
        for path in ["/rpc/submitReceipt", "/rpc/sendTx"] {
            try await world.refuse(transaction(claim, thief), .wrongMiner, "sent by another", to: path)
            try await world.refuse(transaction(claim, miner, nonce: 2), .nonceGap, to: path)
            try await world.refuse(transaction(claim, miner, nonce: 0), .nonceTooLow, to: path)
            for (key, value, code) in altered {
                let lie = try ReceiptClaim(claim.json.replacing(key, value))
                try await world.refuse(transaction(lie, miner), code, key, to: path)
            }
            let good = transaction(claim, miner).json
            let unknown = good.replacing("payload", claim.json.replacing("bonus", 1))
            try expectProblem(try await world.post(path, unknown.canonicalBytes), .unknownField)
            try expectProblem(try await world.post(path, good.replacing("sig", .string(claim.minerSignature.hex)).canonicalBytes), .badSignature)
        }
        // The thief in the miner's place throughout, signed as well as it can be.
        let stolen = try ReceiptTerms(
            chain: world.chain, jobID: terms.jobID, part: 0, client: terms.client, miner: thief.address, payout: thief.address,
            computeUnits: terms.computeUnits, price: terms.price, outputHash: terms.outputHash, nonce: terms.nonce)
        let theirs = ReceiptClaim(
            terms: stolen, payment: claim.payment, minerKey: thief.publicKey, minerSignature: thief.sign(stolen.receiptDigest(on: world.chain)),
            coordinatorKey: claim.coordinatorKey, coordinatorSignature: claim.coordinatorSignature)
        try await world.refuse(transaction(theirs, thief), .badSignature, "stolen", to: "/rpc/submitReceipt")
    }

    /// The claim is paid, and neither a second one while it waits nor one afterwards is.
    private static func payOnce(_ world: MinerWorld, _ miner: PrivateKey, _ thief: PrivateKey, _ claim: ReceiptClaim) async throws {
        func transaction(nonce: Int64) -> Transaction { .signed(by: miner, chain: world.chain, nonce: nonce, fee: 10, payload: .receiptClaim(claim)) }
        let first = transaction(nonce: 1)
        try await world.node.submitReceipt(first)
        // Pending or in a block by now: one code for both.
        try await world.refuse(transaction(nonce: 2), .receiptAlreadyClaimed, "a second claim", to: "/rpc/submitReceipt")
        try await world.settle(first)
        try await world.until("the coordinator saw it") { try await world.coordinator.task(claim.terms.jobID).claimHeight != nil }
        let paid = try await world.mark()
        try await world.refuse(first, .nonceTooLow, "a replay", to: "/rpc/submitReceipt")
        try await world.refuse(transaction(nonce: 2), .receiptAlreadyClaimed, "a second claim after the block", to: "/rpc/submitReceipt")
        try await world.expectUnchanged(since: paid)
        #expect(try await world.node.getReceipt(claim.terms.receiptID)?.claim == claim)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}
