import ChainClient
import Ledger
import Signing
import Testing
import Wire

@Suite("Bad input: attestations by the wrong coordinator, at a real node") struct BadInputAttestationTests {
    /// A claim as honest as it can be: only who attests, and to what, differs.
    private struct Work {
        let chain: ChainID
        let miner: PrivateKey
        let quote: Quote
        let payment: Digest

        /// - Parameters:
        ///   - signer: makes the coordinator's signature.
        ///   - named: the key in the claim; the signer's own if nil.
        ///   - attested: the payment that the coordinator's signature is over; the claim's if nil.
        func claim(by signer: PrivateKey, named: PublicKey? = nil, attested: Digest? = nil) throws -> ReceiptClaim {
            let terms = try ReceiptTerms(
                chain: chain, jobID: quote.jobID, part: 0, client: quote.client, miner: miner.address, payout: miner.address,
                computeUnits: quote.computeUnits, price: quote.price, outputHash: OutputHash(SHA256.hash(utf8: "output")),
                nonce: Nonce16(String(repeating: "b", count: 32)))
            return ReceiptClaim(
                terms: terms, payment: payment, minerKey: miner.publicKey, minerSignature: miner.sign(terms.receiptDigest(on: chain)),
                coordinatorKey: named ?? signer.publicKey, coordinatorSignature: signer.sign(terms.attestDigest(on: chain, payment: attested ?? payment)))
        }
    }

    @Test("Only the escrow's own coordinator attests, whoever else the chain lists and whatever key the claim names") func wrongCoordinator() async throws {
        let (seller, listed, stranger) = (try PrivateKey.generate(), try PrivateKey.generate(), try PrivateKey.generate())
        try await LoneNode.run(coordinators: [seller.publicKey, listed.publicKey]) { node in
            let quote = try Quote.signed(
                by: seller, chain: node.chain, client: node.client.address, specHash: SHA256.hash(utf8: "spec"),
                salt: Salt(String(repeating: "a", count: 32)), computeUnits: 7, price: 1_000, expiresHeight: 1_000)
            let deposit = Transaction.signed(
                by: node.client, chain: node.chain, nonce: 1, fee: 10, payload: .transfer(try Transfer(to: .escrow, amount: 1_000, quote: quote)))
            try await node.settle(deposit)
            let miner = try PrivateKey.generate()
            let work = Work(chain: node.chain, miner: miner, quote: quote, payment: deposit.hash(on: node.chain))
            let before = try await node.nextStateRoot()

            let rival = try work.claim(by: listed)
            #expect(rival.coordinatorSignatureHolds(on: node.chain, under: rival.coordinatorKey), "a check against the claim's own key would pass it")
            let lies: [(String, ReceiptClaim, Problem.Code)] = [
                ("a listed coordinator, under its own name", rival, .unknownCoordinator),
                ("a listed coordinator, under the right name", try work.claim(by: listed, named: seller.publicKey), .badSignature),
                ("the right signature under a listed name", try work.claim(by: seller, named: listed.publicKey), .unknownCoordinator),
                ("a stranger", try work.claim(by: stranger), .unknownCoordinator),
                ("a stranger under the right name", try work.claim(by: stranger, named: seller.publicKey), .badSignature),
                ("the miner itself", try work.claim(by: miner), .unknownCoordinator),
                ("the miner under the right name", try work.claim(by: miner, named: seller.publicKey), .badSignature),
                ("an attestation for another payment", try work.claim(by: seller, attested: .zero), .badSignature),
            ]
            for (what, claim, code) in lies { try expectProblem(try await node.submit(claim, by: miner), code, what) }
            #expect(try await node.nextStateRoot() == before)

            let right = try work.claim(by: seller)
            #expect(try await node.submit(right, by: miner).status == 200)
            _ = try await node.nextStateRoot()
            #expect(try await node.api.getReceipt(right.terms.receiptID)?.claim == right)
            #expect(try await node.api.getBalance(miner.address).balance == 1_000 + 7 * 1_000 - 10)
            #expect(try await node.api.getBalance(listed.address).balance == 0)
        }
    }
}
