import Ledger
import Signing
import Testing
import Wire

/// PARAM_UPDATE: what the admin may change, and when it holds.
struct ParameterTests {
    private func world(_ values: [Parameter: Int64] = [:]) throws -> World { try World(values, funded: [(try World.key(6), 10_000)]) }

    private func raw(_ key: String, _ value: JSON) throws -> ParameterUpdate { try ParameterUpdate(["key": .string(key), "value": value]) }

    @Test func aChangeHoldsFromTheNextBlockOn() throws {
        var world = try world()
        let update = world.update(try ParameterUpdate(.baseFee, 50))
        let cheap = try world.transfer(1, from: world.client, to: world.miner.address)
        #expect(try world.run(update, cheap).map(\.code) == [nil, nil], "the same block knows the old fee")
        #expect(world.state.parameters[.baseFee] == 50)
        #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address)) == .feeTooLow)
        #expect(try LedgerState(records: world.state.records).parameters == world.state.parameters)
    }

    @Test func onlyTheAdminChangesParameters() throws {
        let world = try world()
        #expect(try world.failure(world.update(ParameterUpdate(.baseFee, 1), by: world.client)) == .forbidden)
        var pool = Mempool(chain: world.chain)
        let forged = world.update(try ParameterUpdate(.baseFee, 1), by: world.client)
        #expect(code { try pool.admit(forged, state: world.state, height: 0, now: world.now) } == .forbidden)
    }

    @Test func valuesKeepToTheirKindAndRange() throws {
        let world = try world()
        let key = JSON.string(world.miner.publicKey.hex)
        let cases: [(String, JSON, Problem.Code?)] = [
            ("base_fee", 0, nil), ("burn_bps", 10_000, nil), ("burn_bps", 10_001, .outOfRange), ("block_interval_s", 0, .outOfRange),
            ("max_supply", 0, .outOfRange), ("mint_window", 1_000_001, .outOfRange), ("refund_delay_blocks", 1_000_000_001, .outOfRange),
            ("base_fee", [key], .wrongType), ("coordinators", 3, .wrongType), ("authorities", 3, .wrongType), ("authorities", [], .outOfRange),
            ("coordinators", [], nil), ("authorities", [key], nil), ("admin", [key], .badParams), ("admin", 5, .badParams),
            ("minted", 5, .badParams), ("", 5, .badParams),
        ]
        for (name, value, expected) in cases { #expect(try world.failure(world.update(raw(name, value))) == expected, "\(name) \(value)") }
        for value: JSON in ["5", .null, true, [:], [5], [key, key]] { #expect(code { try raw("coordinators", value) } != nil, "\(value)") }
        #expect(code { try ParameterUpdate(.burnBps, -1) } == .outOfRange)
    }

    @Test func everyParameterCanBeSetToTheEndsOfItsRange() throws {
        for parameter in Parameter.allCases where parameter != .blockInterval {
            var world = try world()
            for value in [parameter.range.lowerBound, parameter.range.upperBound] {
                #expect(try world.run(world.update(ParameterUpdate(parameter, value)))[0].code == nil)
                #expect(world.state.parameters[parameter] == value)
                if parameter == .baseFee || parameter == .feePerByte { break }
            }
            #expect(try world.block([]).applied.outcomes.isEmpty)
        }
    }

    /// An escrow keeps its coordinator; what counts is whether the chain lists it when the claim comes.
    @Test func aRevokedCoordinatorSettlesNothingButMayRefund() throws {
        var world = try world([.refundDelay: 1])
        let quote = try world.quote()
        let payment = try world.open(quote)
        try world.run(world.transfer(1000, from: world.client, to: world.miner.address))
        try world.run(world.update(.coordinators([world.spareCoordinator.publicKey])))
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment))) == .unknownCoordinator)
        #expect(try world.failure(world.deposit(world.quote())) == .unknownCoordinator)
        try world.run(world.refund(quote))
        try world.block([])
        #expect(world.state.escrow(quote.jobID)?.status == .refunded)
    }

    /// Changes of timeout and delay reach open escrows, but not a refund that is under way.
    @Test func openEscrowsFollowTheRulesOfTheDay() throws {
        var world = try world([.refundDelay: 5, .escrowTimeout: 1000])
        let (first, second) = (try world.quote(), try world.quote())
        try world.open(first)
        try world.open(second)
        try world.run(world.refund(first))
        let due = try #require(world.state.escrow(first.jobID)?.closingAt)
        try world.run(
            world.update(ParameterUpdate(.refundDelay, 1)), world.update(ParameterUpdate(.escrowTimeout, 1), nonce: world.nonce(world.admin) + 1))
        #expect(world.state.escrow(first.jobID)?.closingAt == due)
        try world.run(world.refund(second, by: world.client))
        #expect(world.state.escrow(second.jobID)?.closingAt == world.head.height + 1)
        try world.advance(to: due)
        #expect(world.state.escrow(first.jobID)?.status == .refunded && world.state.escrow(second.jobID)?.status == .refunded)
    }

    @Test func aLowerCapEndsMintingAndTakesNothing() throws {
        var world = try world()
        let quote = try world.quote(units: 100, price: 5000)
        let payment = try world.open(quote)
        try world.run(world.update(ParameterUpdate(.maxSupply, 1)))
        try world.run(world.submit(world.claim(quote, payment: payment)))
        #expect(world.state.minted == 0 && world.balance(world.miner) == 4990)
    }

    /// The next block is made by the new list's turn, in slots of the new length.
    @Test func turnsFollowTheNewAuthoritiesAndInterval() throws {
        var world = try world()
        let heir = try World.key(40)
        try world.run(
            world.update(.authorities([heir.publicKey])), world.update(ParameterUpdate(.blockInterval, 10), nonce: 2))
        let rules = world.executor.consensus
        #expect(rules.nextTurn(of: world.proposer.publicKey, after: world.head, state: world.state, now: world.now) == nil)
        let turn = try #require(rules.nextTurn(of: heir.publicKey, after: world.head, state: world.state, now: world.now))
        #expect((turn - World.start) / 10 > (world.head.timestamp - World.start) / 10)
        let early = world.head.timestamp
        #expect(
            code {
                try world.executor.propose(
                    transactions: [], on: world.state, parent: world.head, proposer: heir.publicKey, timestamp: early, now: early)
            } == .badTimestamp)
        _ = try world.executor.propose(
            transactions: [], on: world.state, parent: world.head, proposer: heir.publicKey, timestamp: turn, now: turn)
    }
}
