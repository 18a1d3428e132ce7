import Ledger
import Signing
import Testing
import Wire

/// ESCROW_REFUND: from asking to the money.
struct RefundTests {
    private func world(delay: Int64 = 3, timeout: Int64 = 10) throws -> World {
        try World([.refundDelay: delay, .escrowTimeout: timeout, .mintPerUnit: 7], funded: [(try World.key(2), 1000)])
    }

    @Test func theCoordinatorGivesMoneyBackAndTheEscrowPaysTheFee() throws {
        var world = try world()
        let quote = try world.quote(price: 5000)
        let payment = try world.open(quote)
        let before = world.balance(world.client)
        let outcome = try world.run(world.refund(quote, fee: 30))[0]
        #expect(outcome.status == .confirmed && outcome.fee == 0)
        let closing = try #require(world.state.escrow(quote.jobID))
        #expect(closing.status == .closing && closing.closingAt == 5 && closing.refundFee == 30)
        #expect(try closing.holding() == 5000)
        #expect(try Record(.init(.escrow, quote.jobID.text), closing.json) == .escrow(closing))
        #expect(world.balance(world.coordinator) == 0 && world.nonce(world.coordinator) == 2, "a coordinator without money can")
        #expect(try world.failure(world.refund(quote, by: world.client)) == .refundTooEarly)
        try world.advance(to: 4)
        #expect(world.balance(world.client) == before)
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment))) == .escrowClosed, "block 5 begins with the refund")
        let fees = world.balance(world.proposer)
        try world.block([])
        #expect(world.state.escrow(quote.jobID)?.status == .refunded && world.state.escrow(quote.jobID)?.closingAt == 0)
        #expect(world.balance(world.client) == before + 4970 && world.balance(world.proposer) == fees + 30)
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment))) == .escrowClosed)
        #expect(try world.failure(world.deposit(quote)) == .escrowExists)
        #expect(world.state.minted == 0)
    }

    @Test func aClaimUntilThenStillSettles() throws {
        var world = try world()
        let quote = try world.quote(units: 100, price: 5000)
        let payment = try world.open(quote)
        try world.run(world.refund(quote))
        try world.advance(to: 3)
        let client = world.balance(world.client)
        try world.run(world.submit(world.claim(quote, payment: payment)))
        #expect(world.head.height == 4 && world.state.escrow(quote.jobID)?.status == .settled)
        try world.advance(to: 8)
        #expect(world.state.escrow(quote.jobID)?.status == .settled && world.state.escrow(quote.jobID)?.closingAt == 0)
        #expect(world.balance(world.client) == client, "nothing is paid twice")
        #expect(world.balance(world.miner) == 1000 + 5000 + 700 - 10)
    }

    @Test func ofSeveralPartsTheUnclaimedComeBack() throws {
        var world = try world(delay: 2)
        let quote = try world.quote(units: 10, price: 1000, parts: 3)
        let payment = try world.open(quote)
        try world.run(world.submit(world.claim(quote, payment: payment, part: 1)))
        try world.run(world.refund(quote, fee: 50))
        try world.run(world.submit(world.claim(quote, payment: payment, part: 0) { $0.lease = "another" }))
        #expect(world.state.escrow(quote.jobID)?.status == .closing)
        let client = world.balance(world.client)
        try world.block([])
        let shares = try quote.price(of: 0) + quote.price(of: 1)
        #expect(world.balance(world.client) == client + 1000 - shares - 50)
        #expect(world.state.escrow(quote.jobID)?.claimed == [0, 1] && world.state.escrow(quote.jobID)?.status == .refunded)
    }

    /// Claims may leave less than the fee that was asked for; the proposer gets what there is.
    @Test func theFeeIsAtMostWhatIsLeft() throws {
        var world = try world(delay: 2)
        let quote = try world.quote(units: 10, price: 100, parts: 2)
        let payment = try world.open(quote)
        try world.run(world.refund(quote, fee: 90))
        try world.run(world.submit(world.claim(quote, payment: payment, part: 0)))
        let (client, fees) = (world.balance(world.client), world.balance(world.proposer))
        try world.block([])
        #expect(world.balance(world.client) == client && world.balance(world.proposer) == fees + 50)
    }

    @Test func whoMayAskAndWhen() throws {
        var world = try world(timeout: 4)
        let quote = try world.quote()
        try world.open(quote)
        #expect(try world.failure(world.refund(quote, by: world.miner)) == .forbidden)
        #expect(try world.failure(world.refund(quote, by: world.client)) == .refundTooEarly)
        #expect(try world.failure(world.refund(world.quote(), by: world.client)) == .unknownEscrow)
        try world.advance(to: 3)
        #expect(try world.failure(world.refund(quote, by: world.client)) == .refundTooEarly)
        try world.block([])
        #expect(try world.failure(world.refund(quote, by: world.client)) == nil, "opened at 1, so from 5 on")
        let spare = try world.refusal(world.refund(quote, by: world.spareCoordinator))
        #expect(spare == .insufficientBalance, "another coordinator's fails, and it has no money to pay for that")
    }

    /// What a refund that fails costs, it costs its sender; where that can't pay, no block may hold it.
    @Test func aFailingRefundPaysFromTheSendersBalance() throws {
        var world = try world()
        let quote = try world.quote(price: 5000)
        try world.open(quote)
        let outcome = try world.run(world.refund(quote, by: world.miner, fee: 20))[0]
        #expect(outcome.code == .forbidden && outcome.fee == 20 && world.balance(world.miner) == 980)
        #expect(world.state.escrow(quote.jobID)?.status == .open)
        #expect(try world.refusal(world.refund(quote, fee: 5001)) == .insufficientBalance)
        try world.run(world.refund(quote))
        #expect(try world.refusal(world.refund(quote)) == .insufficientBalance)
        try world.run(world.transfer(10, from: world.client, to: world.coordinator.address))
        #expect(try world.failure(world.refund(quote)) == .escrowClosing)
    }

    @Test func withoutDelayTheNextBlockPays() throws {
        var world = try world(delay: 0)
        let quote = try world.quote(price: 5000)
        let payment = try world.open(quote)
        let claim = world.submit(try world.claim(quote, payment: payment))
        var sameBlock = world
        #expect(try sameBlock.run(world.refund(quote), claim).map(\.code) == [nil, nil])
        #expect(sameBlock.state.escrow(quote.jobID)?.status == .settled)
        try sameBlock.block([])
        try world.run(world.refund(quote))
        #expect(world.state.escrow(quote.jobID)?.closingAt == 3)
        try world.block([])
        #expect(world.state.escrow(quote.jobID)?.status == .refunded)
    }

    /// Several are due in one block, and a state rebuilt from its records knows of them.
    @Test func dueRefundsSurviveARebuild() throws {
        var world = try world()
        let quotes = try (0..<5).map { _ in try world.quote(price: 1000) }
        for quote in quotes { try world.open(quote) }
        try world.block(quotes.enumerated().map { world.refund($1, nonce: Int64($0) + 1) })
        let due = try #require(world.state.escrow(quotes[0].jobID)?.closingAt)
        var rebuilt = world
        rebuilt.state = try LedgerState(records: world.state.records.reversed())
        try world.advance(to: due)
        try rebuilt.advance(to: due)
        #expect(world.state.root == rebuilt.state.root)
        for quote in quotes { #expect(world.state.escrow(quote.jobID)?.status == .refunded) }
        #expect(world.balance(world.client) == 1_000_000 - 5 * 20)
    }

    @Test func theMempoolTakesOneRefundOfAJobAndNoneThatWouldFail() throws {
        var world = try world(delay: 1)
        let quote = try world.quote()
        let payment = try world.open(quote)
        var pool = Mempool(chain: world.chain)
        func admit(_ transaction: Transaction) -> Problem.Code? {
            code { try pool.admit(transaction, state: world.state, height: world.head.height, now: world.now) }
        }
        #expect(admit(world.refund(quote, by: world.client)) == .refundTooEarly)
        #expect(admit(world.refund(quote)) == nil)
        #expect(admit(world.refund(quote, nonce: 2)) == .escrowClosing)
        try world.block(pool.selection(state: world.state))
        pool.advance(to: world.state, now: world.now)
        #expect(pool.count == 0)
        #expect(admit(world.submit(try world.claim(quote, payment: payment))) == .escrowClosed, "the next block refunds it first")
    }

    @Test func escrowRecordsThatContradictThemselvesAreRefused() throws {
        var world = try world()
        let quote = try world.quote()
        try world.open(quote)
        let object = try #require(world.state.escrow(quote.jobID)?.json.objectValue)
        let key = RecordKey(.escrow, quote.jobID.text)
        for (name, value) in [("status", "closing"), ("closing_at", 7), ("refund_fee", 1)] as [(String, JSON)] {
            #expect(code { try Record(key, .object(object.setting(name, to: value))) } == .outOfRange)
        }
    }
}
