import Ledger
import Signing
import Testing
import Wire

/// RECEIPT_CLAIM: honest ones are paid, cheats are not.
struct ClaimTests {
    @Test func aFreshMinerClaimsWithoutABalance() throws {
        var world = try World()
        let quote = try world.quote(units: 100, price: 5000)
        let payment = try world.open(quote)
        let outcome = try world.run(world.submit(world.claim(quote, payment: payment), fee: 70))[0]
        #expect(outcome.status == .confirmed && outcome.fee == 70, "\(outcome.detail)")
        #expect(world.balance(world.miner) == 5000 + 100_000 - 70)
        #expect(world.balance(world.coordinator) == 5000)
        #expect(world.balance(world.proposer) == 10 + 70)
        #expect(world.state.account(world.miner.address).nonce == 1)
        #expect(world.state.minted == 105_000 && world.state.burned == 0)
        let escrow = try #require(world.state.escrow(quote.jobID))
        #expect(escrow.status == .settled && escrow.claimed == [0])
        let id = try world.claim(quote, payment: payment).terms.receiptID
        let receipt = try #require(world.state.receipt(id))
        #expect(receipt.height == 2 && receipt.claim.terms.miner == world.miner.address)
        #expect(receipt.json["height"] == 2)
    }

    @Test func payoutMayGoToAColdAddress() throws {
        var world = try World()
        let cold = try World.key(40).address
        let quote = try world.quote(units: 1, price: 5000)
        let payment = try world.open(quote)
        try world.run(world.submit(try world.claim(quote, payment: payment) { $0.payout = cold }))
        #expect(world.balance(world.miner) == 0)
        #expect(world.state.account(cold).balance == 5000 + 1000 - 10)
    }

    /// Each cheat with the code it fails with. The cheats pay their fees from a balance, and gain nothing.
    @Test func cheatsFail() throws {
        var world = try World(funded: [(try World.key(2), 1000), (try World.key(9), 1000)])
        let quote = try world.quote(units: 100, price: 5000, parts: 2)
        let payment = try world.open(quote)
        let other = try world.quote(units: 7, price: 70)
        let otherPayment = try world.open(other)
        let thief = try World.key(9)
        let unknown = try JobID("job_00000000000000000000000000000000")
        let cheats: [(String, Problem.Code, (inout ClaimPlan) -> Void)] = [
            ("more units", .unitsMismatch, { $0.units = 51 }), ("fewer units", .unitsMismatch, { $0.units = 49 }),
            ("units of the whole", .unitsMismatch, { $0.units = 100 }), ("a higher price", .priceMismatch, { $0.price = 2501 }),
            ("a lower price", .priceMismatch, { $0.price = 1 }), ("the whole price", .priceMismatch, { $0.price = 5000 }),
            ("largest units", .unitsMismatch, { $0.units = JSON.maxInteger }),
            ("another job", .unknownEscrow, { $0.jobID = unknown }), ("another job's money", .paymentMismatch, { $0.jobID = other.jobID }),
            ("another payment", .paymentMismatch, { $0.payment = otherPayment }), ("a part too many", .escrowMismatch, { $0.part = 2 }),
            ("the largest part", .escrowMismatch, { $0.part = JSON.maxInteger }),
            ("another client", .escrowMismatch, { $0.client = thief.address }),
            ("a listed coordinator, not the job's", .unknownCoordinator, { [spare = world.spareCoordinator] in $0.coordinator = spare }),
            (
                "signed by another under the right name", .badSignature,
                { [spare = world.spareCoordinator, right = world.coordinator] in
                    $0.coordinator = spare
                    $0.coordinatorKey = right.publicKey
                }
            ),
            ("self-attested", .unknownCoordinator, { [miner = world.miner] in $0.coordinator = miner }),
            ("another miner's key", .wrongMiner, { $0.minerKey = thief.publicKey }),
            ("another miner's name", .wrongMiner, { $0.minerAddress = thief.address }),
            (
                "signed by another miner", .badSignature,
                { [key = world.miner.publicKey] in
                    $0.miner = thief
                    $0.minerKey = key
                }
            ),
        ]
        for (name, expected, change) in cheats {
            let claim = try world.claim(quote, payment: payment, change)
            var copy = world
            let before = copy.state
            let outcome = try copy.run(world.submit(claim))[0]
            #expect(outcome.code == expected, "\(name): \(outcome.detail)")
            #expect(copy.balance(world.miner) == 990 && copy.state.minted == 0)
            #expect(copy.state.escrow(quote.jobID) == before.escrow(quote.jobID))
        }
    }

    /// What a coordinator attested can't be changed by the miner, nor taken by another one.
    @Test func alteredSignedClaimsFail() throws {
        var world = try World(funded: [(try World.key(2), 1000), (try World.key(9), 1000)])
        let quote = try world.quote()
        let payment = try world.open(quote)
        let honest = try world.claim(quote, payment: payment)
        let object = try #require(honest.json.objectValue)
        let thief = try World.key(9)
        let altered: [(String, JSON, Problem.Code)] = [
            ("payout_addr", .string(thief.address.text), .badSignature), ("output_hash", .string("sha256:" + Digest.zero.hex), .badSignature),
            ("receipt_id", "rcpt_00000000000000000000000000000000", .wrongReceiptID), ("nonce", "00000000000000000000000000000000", .wrongReceiptID),
            ("part", 1, .wrongReceiptID), ("compute_units", 1000, .unitsMismatch), ("price", 4000, .priceMismatch),
            ("miner_addr", .string(thief.address.text), .wrongMiner), ("miner_sig", .string(honest.coordinatorSignature.hex), .badSignature),
            ("coordinator_sig", .string(honest.minerSignature.hex), .badSignature),
        ]
        for (name, value, expected) in altered {
            let claim = try ReceiptClaim(.object(object.setting(name, to: value)))
            #expect(try world.failure(world.submit(claim)) == expected, "\(name)")
        }
        #expect(try world.failure(world.submit(honest, from: thief)) == .wrongMiner)
        #expect(try world.failure(world.submit(honest)) == nil)
    }

    @Test func aPartIsClaimedOnce() throws {
        var world = try World()
        let quote = try world.quote(units: 101, price: 5001, parts: 3)
        let payment = try world.open(quote)
        try world.run(world.submit(world.claim(quote, payment: payment, part: 1)))
        #expect(world.state.escrow(quote.jobID)?.claimed == [1])
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment, part: 1))) == .receiptAlreadyClaimed)
        let newLease = try world.claim(quote, payment: payment, part: 1) { $0.lease = "another lease" }
        #expect(try world.failure(world.submit(newLease)) == .receiptAlreadyClaimed)
        try world.run(world.submit(world.claim(quote, payment: payment, part: 2)))
        #expect(world.state.escrow(quote.jobID)?.status == .open)
        #expect(try world.state.escrow(quote.jobID)?.holding() == 1667)
        try world.run(world.submit(world.claim(quote, payment: payment, part: 0)))
        let escrow = try #require(world.state.escrow(quote.jobID))
        #expect(escrow.status == .settled && escrow.claimed == [0, 1, 2])
        #expect(try escrow.holding() == 0)
        #expect(world.balance(world.miner) == 5001 + 101_000 - 30)
        #expect(try world.failure(world.submit(newLease)) == .receiptAlreadyClaimed)
    }

    @Test func twoClaimsForOnePartInOneBlock() throws {
        var world = try World()
        let quote = try world.quote()
        let payment = try world.open(quote)
        let first = world.send(.receiptClaim(try world.claim(quote, payment: payment)), from: world.miner, nonce: 1)
        let second = world.send(.receiptClaim(try world.claim(quote, payment: payment) { $0.lease = "b" }), from: world.miner, nonce: 2)
        let outcomes = try world.run(first, second)
        #expect(outcomes.map(\.code) == [nil, .receiptAlreadyClaimed])
        #expect(world.balance(world.miner) == 5000 + 100_000 - 20)
    }

    @Test func depositAndClaimInOneBlock() throws {
        var world = try World()
        let quote = try world.quote()
        let deposit = try world.deposit(quote)
        let claim = try world.claim(quote, payment: deposit.hash(on: world.chain))
        let outcomes = try world.run(deposit, world.submit(claim))
        #expect(outcomes.map(\.code) == [nil, nil])
        var reversed = try World()
        let (applied, proposed) = try reversed.block([world.send(.receiptClaim(claim), from: world.miner, nonce: 1), deposit])
        #expect(proposed.skipped.map(\.reason.code) == [.insufficientBalance])
        #expect(applied.outcomes.map(\.code) == [nil])
    }

    /// A failing claim pays from the sender's balance, and has no place in a block where that is short.
    @Test func aFailingClaimNeedsABalance() throws {
        var world = try World()
        let quote = try world.quote()
        let payment = try world.open(quote)
        let bad = try world.claim(quote, payment: payment) { $0.units = 1 }
        #expect(try world.refusal(world.submit(bad)) == .insufficientBalance)
        try world.run(world.transfer(9, from: world.client, to: world.miner.address))
        #expect(try world.refusal(world.submit(bad)) == .insufficientBalance)
        try world.run(world.transfer(1, from: world.client, to: world.miner.address))
        #expect(try world.failure(world.submit(bad)) == .unitsMismatch)
    }

    @Test func theFeeMustFitInWhatIsPaidOut() throws {
        var world = try World([.mintPerUnit: 0], funded: [(try World.key(2), 100)])
        let quote = try world.quote(price: 50)
        let payment = try world.open(quote)
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment), fee: 51)) == .insufficientBalance)
        try world.run(world.submit(world.claim(quote, payment: payment), fee: 50))
        #expect(world.balance(world.miner) == 100)
    }

    @Test func parametersBoundPriceAndUnits() throws {
        var cheap = try World([.minPricePerUnit: 51], funded: [(try World.key(2), 100)])
        let low = try cheap.quote(units: 100, price: 5000)
        let lowPayment = try cheap.open(low)
        #expect(try cheap.failure(cheap.submit(cheap.claim(low, payment: lowPayment))) == .priceTooLow)
        let enough = try cheap.quote(units: 100, price: 5100)
        let enoughPayment = try cheap.open(enough)
        #expect(try cheap.failure(cheap.submit(cheap.claim(enough, payment: enoughPayment))) == nil)
        var small = try World([.maxUnitsPerClaim: 99], funded: [(try World.key(2), 100)])
        let large = try small.quote(units: 100)
        let largePayment = try small.open(large)
        #expect(try small.failure(small.submit(small.claim(large, payment: largePayment))) == .tooManyUnits)
    }
}
