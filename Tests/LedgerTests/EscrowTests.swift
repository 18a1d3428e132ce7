import Ledger
import Signing
import Testing
import Wire

/// Deposits: TRANSFER with a quote.
struct EscrowTests {
    @Test func aDepositOpensTheJobsEscrow() throws {
        var world = try World()
        let quote = try world.quote(units: 100, price: 5000, parts: 3)
        let payment = try world.open(quote)
        let escrow = try #require(world.state.escrow(quote.jobID))
        #expect(escrow.client == world.client.address && escrow.coordinator == world.coordinator.publicKey)
        #expect(escrow.payment == payment && escrow.opened == 1 && escrow.closingAt == 0)
        #expect(escrow.status == .open && escrow.claimed.isEmpty && escrow.parts == 3)
        #expect(try escrow.holding() == 5000)
        #expect(world.balance(world.client) == 1_000_000 - 5000 - 10)
        #expect(world.state.account(.escrow).balance == 0)
    }

    @Test func theEscrowAddressAndTheQuoteGoTogether() throws {
        var world = try World()
        #expect(try world.failure(world.transfer(5000, from: world.client, to: .escrow)) == .escrowMismatch)
        let quote = try world.quote()
        #expect(try world.failure(world.deposit(quote, to: world.coordinator.address)) == .escrowMismatch)
    }

    @Test func theDepositMustBeItsQuotes() throws {
        var world = try World(funded: [(try World.key(2), 100_000)])
        let quote = try world.quote(price: 5000)
        #expect(try world.failure(world.deposit(quote, amount: 4999)) == .escrowMismatch)
        #expect(try world.failure(world.deposit(quote, amount: 5001)) == .escrowMismatch)
        #expect(try world.failure(world.deposit(quote, from: world.miner)) == .escrowMismatch)
        let poor = try world.quote(price: 2_000_000)
        #expect(try world.failure(world.deposit(poor)) == .insufficientBalance)
        #expect(try world.failure(world.deposit(quote)) == nil)
    }

    /// Every altered member of a quote is noticed.
    @Test func alteredQuotesAreRefused() throws {
        var world = try World()
        let quote = try world.quote(units: 100, price: 5000, parts: 2)
        let object = try #require(quote.json.objectValue)
        let altered: [(String, JSON, Problem.Code)] = [
            ("compute_units", 1_000_000, .badSignature), ("parts", 1, .badSignature), ("expires_height", 999_999, .badSignature),
            ("salt", "00000000000000000000000000000000", .escrowMismatch), ("spec_hash", .string(Digest.zero.hex), .escrowMismatch),
            ("job_id", "job_00000000000000000000000000000000", .escrowMismatch), ("client_addr", .string(world.miner.address.text), .escrowMismatch),
            ("coordinator_pubkey", .string(world.spareCoordinator.publicKey.hex), .badSignature),
            ("coordinator_pubkey", .string(world.miner.publicKey.hex), .unknownCoordinator),
        ]
        for (name, value, expected) in altered {
            let bad = try Quote(.object(object.setting(name, to: value)))
            #expect(try world.failure(world.deposit(bad)) == expected, "\(name)")
        }
        let cheap = try Quote(.object(object.setting("price", to: 1)))
        #expect(try world.failure(world.deposit(cheap)) == .badSignature)
    }

    @Test func quotesExpireAndNeedAListedCoordinator() throws {
        var world = try World()
        let last = try world.quote(expires: 2)
        try world.block([])
        #expect(try world.failure(world.deposit(last)) == nil)
        try world.block([])
        #expect(try world.failure(world.deposit(last)) == .quoteExpired)
        let stranger = try world.quote(by: World.key(77))
        #expect(try world.failure(world.deposit(stranger)) == .unknownCoordinator)
    }

    @Test func aJobHasOneEscrowForGood() throws {
        var world = try World()
        let quote = try world.quote()
        let payment = try world.open(quote)
        #expect(try world.failure(world.deposit(quote)) == .escrowExists)
        let again = try world.deposit(quote)
        let (applied, _) = try world.block([again])
        #expect(applied.outcomes[0].code == .escrowExists)
        try world.run(world.submit(world.claim(quote, payment: payment)))
        #expect(world.state.escrow(quote.jobID)?.status == .settled)
        #expect(try world.failure(world.deposit(quote)) == .escrowExists)
    }

    @Test func twoDepositsInOneBlock() throws {
        var world = try World()
        let quote = try world.quote()
        let transfer = Payload.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))
        let outcomes = try world.run(
            world.send(transfer, from: world.client, nonce: 1), world.send(transfer, from: world.client, nonce: 2))
        #expect(outcomes.map(\.code) == [nil, .escrowExists])
        #expect(world.balance(world.client) == 1_000_000 - 5000 - 20)
    }
}
