import Ledger
import Signing
import Testing
import Wire

/// How much is paid, minted and burned, and when the mint waits.
struct SettlementTests {
    private func parameters(_ values: [Parameter: Int64]) throws -> Parameters {
        let key = try World.key(5).publicKey
        return try Parameters(values, authorities: [key], coordinators: [], admin: key)
    }

    @Test func sharesRoundDown() throws {
        let rules = try parameters([.mintPerUnit: 7, .burnBps: 333, .coordinatorBps: 499, .treasuryBps: 101])
        let settled = try Settlement(units: 1003, price: 1001, parameters: rules, supply: 1_000_000)
        #expect(settled.burned == 33)
        #expect(settled.minerMint == 7021)
        #expect(settled.coordinatorMint == 350)
        #expect(settled.treasuryMint == 70)
        #expect(settled.payout == 1001 - 33 + 7021)
        #expect(settled.minted == 7441)
    }

    @Test func productsAreFormedIn128Bits() throws {
        let rules = try parameters([.mintPerUnit: 1, .burnBps: 9999, .coordinatorBps: 10_000])
        let settled = try Settlement(units: 4_000_000_000_000_000, price: JSON.maxInteger, parameters: rules, supply: JSON.maxInteger)
        #expect(settled.burned == 9_006_298_534_815_516)
        let room = 9_000_000_000_000_000 - (JSON.maxInteger - settled.burned)
        #expect(settled.minerMint == 4_000_000_000_000_000)
        #expect(settled.coordinatorMint == 4_000_000_000_000_000)
        #expect(settled.minted <= room)
        let steep = try parameters([.mintPerUnit: JSON.maxInteger])
        #expect(code { try Settlement(units: 2, price: 1, parameters: steep, supply: 1) } == .outOfRange)
        #expect(code { try Settlement(units: JSON.maxInteger, price: 1, parameters: steep, supply: 1) } == .outOfRange)
    }

    @Test(arguments: [(100, 100, 0, 0), (1000, 1000, 0, 0), (1020, 1000, 20, 0), (1070, 1000, 50, 20), (5000, 1000, 50, 30)])
    func maxSupplyCuts(room: Int64, miner: Int64, coordinator: Int64, treasury: Int64) throws {
        let rules = try parameters([.mintPerUnit: 10, .maxSupply: 1_000_000, .treasuryBps: 300])
        let settled = try Settlement(units: 100, price: 500, parameters: rules, supply: 1_000_000 - room)
        #expect([settled.minerMint, settled.coordinatorMint, settled.treasuryMint] == [miner, coordinator, treasury])
    }

    @Test func everythingIsPaidOnChain() throws {
        var world = try World([.burnBps: 1000, .treasuryBps: 200, .maxSupply: 1_050_000])
        let quote = try world.quote(units: 40, price: 999)
        let payment = try world.open(quote)
        try world.run(world.submit(world.claim(quote, payment: payment)))
        #expect(world.balance(world.miner) == 999 - 99 + 40_000 - 10)
        #expect(world.balance(world.coordinator) == 2000)
        #expect(world.state.account(.treasury).balance == 800)
        #expect(world.state.minted == 42_800 && world.state.burned == 99)
        #expect(try world.state.countedSupply() == 1_042_701)
        let last = try world.quote(units: 40, price: 1)
        let lastPayment = try world.open(last)
        try world.run(world.submit(world.claim(last, payment: lastPayment)))
        #expect(try world.state.countedSupply() == 1_050_000)
        #expect(world.state.minted == 42_800 + 7299)
        #expect(world.state.account(.treasury).balance == 800)
    }

    @Test func theMintLimitMakesClaimsWait() throws {
        var world = try World([.maxMintPerCoordinator: 150_000, .mintWindow: 4])
        var claims: [Transaction] = []
        for _ in 0..<2 {
            let quote = try world.quote(units: 100)
            let payment = try world.open(quote)
            claims.append(world.send(.receiptClaim(try world.claim(quote, payment: payment)), from: world.miner, nonce: Int64(claims.count + 1)))
        }
        // Both in one block: the first one counts at once.
        let (_, proposed) = try world.block(claims)
        #expect(proposed.skipped.map(\.reason.code) == [.mintLimited])
        #expect(world.head.height == 3)
        for height in 4...6 {
            #expect(try world.refusal(claims[1]) == .mintLimited, "\(height)")
            let rebuilt = try LedgerState(records: world.state.records)
            var copy = world
            copy.state = rebuilt
            #expect(try copy.refusal(claims[1]) == .mintLimited, "a rebuilt state remembers")
            try world.block([])
        }
        #expect(try world.run(claims[1])[0].status == .confirmed)
    }

    @Test func theLimitIsEachCoordinatorsOwn() throws {
        var world = try World([.maxMintPerCoordinator: 100_000])
        let first = try world.quote(units: 100)
        let firstPayment = try world.open(first)
        let second = try world.quote(units: 100, by: world.spareCoordinator)
        let secondPayment = try world.open(second)
        try world.run(world.submit(world.claim(first, payment: firstPayment)))
        let spare = world.spareCoordinator
        try world.run(world.submit(try world.claim(second, payment: secondPayment) { $0.coordinator = spare }))
        #expect(world.balance(spare) == 5000)
    }

    /// The parts add up to the whole, whatever the sizes.
    @Test func partsAddUp() throws {
        var numbers = Seeded(11)
        for _ in 0..<300 {
            let total = Int64.random(in: 0...JSON.maxInteger, using: &numbers)
            let parts = Int64.random(in: 1...200, using: &numbers)
            var sum: Int64 = 0
            for part in 0..<parts { sum += try Amount.share(of: total, part: part, parts: parts) }
            #expect(sum == total)
        }
        #expect(try Amount.share(of: JSON.maxInteger, part: JSON.maxInteger - 1, parts: JSON.maxInteger) == 1)
        #expect(code { try Amount.share(of: 5, part: 3, parts: 3) } == .outOfRange)
        #expect(code { try Amount.share(of: 5, part: 0, parts: 0) } == .outOfRange)
        #expect(code { try Amount.share(of: 5, part: -1, parts: 3) } == .outOfRange)
    }

    @Test func amountsNeverWrap() {
        let max = JSON.maxInteger
        #expect(code { try Amount.add(max, 1) } == .outOfRange)
        #expect(code { try Amount.add(Int64.max, Int64.max) } == .outOfRange)
        #expect(code { try Amount.subtract(1, 2) } == .outOfRange)
        #expect(code { try Amount.subtract(Int64.min, 2) } == .outOfRange)
        #expect(code { try Amount.multiply(max, 2) } == .outOfRange)
        #expect(code { try Amount.multiply(Int64.max, Int64.max) } == .outOfRange)
        #expect(code { try Amount.add(max - 1, 1) } == nil)
    }
}
