import Ledger
import Signing
import Testing
import Wire

struct MempoolTests {
    /// A pool on a world's state.
    private struct Door {
        var pool: Mempool
        let world: World

        init(_ world: World, _ limits: MempoolLimits = MempoolLimits()) {
            self.world = world
            pool = Mempool(chain: world.chain, limits: limits)
        }

        mutating func admit(_ transaction: Transaction, now: Int64? = nil) -> Problem.Code? {
            code { try pool.admit(transaction, state: world.state, height: world.head.height, now: now ?? world.now) }
        }

        func transfer(_ nonce: Int64, fee: Int64 = 10, amount: Int64 = 1, from key: PrivateKey? = nil) throws -> Transaction {
            try world.transfer(amount, from: key ?? world.client, to: world.miner.address, nonce: nonce, fee: fee)
        }
    }

    @Test func noncesComeWithoutGaps() throws {
        var door = Door(try World())
        #expect(door.admit(try door.transfer(2)) == .nonceGap)
        #expect(door.admit(try door.transfer(1)) == nil)
        #expect(door.admit(try door.transfer(3)) == .nonceGap)
        #expect(door.admit(try door.transfer(2)) == nil)
        #expect(door.admit(try door.transfer(0)) == .nonceTooLow)
        #expect(door.pool.count == 2)
        #expect(door.pool.nextNonce(of: door.world.client.address, state: door.world.state) == 3)
        let first = try door.transfer(1)
        #expect(door.admit(first) == nil, "what is pending is welcome again")
        #expect(door.pool.count == 2)
        #expect(door.pool.pending(first.hash(on: door.world.chain)) == first)
        #expect(door.pool.pending(.zero) == nil)
    }

    @Test func aReplacementPaysATenthMore() throws {
        var door = Door(try World())
        #expect(door.admit(try door.transfer(1, fee: 100)) == nil)
        #expect(door.admit(try door.transfer(1, fee: 100, amount: 2)) == .replacementFeeTooLow)
        #expect(door.admit(try door.transfer(1, fee: 109)) == .replacementFeeTooLow)
        let better = try door.transfer(1, fee: 110)
        #expect(door.admit(better) == nil)
        #expect(door.pool.count == 1 && door.pool.transactions == [better])
        #expect(door.pool.pending(try door.transfer(1, fee: 100).hash(on: door.world.chain)) == nil)
    }

    @Test func theDoorChecksSignaturesFeesAndEffects() throws {
        var world = try World(clientBalance: 10_000)
        let quote = try world.quote(price: 5000)
        var door = Door(world)
        let good = try door.transfer(1)
        let forged = Transaction(
            sender: good.sender, nonce: 1, fee: 10, payload: good.payload, publicKey: good.publicKey, signature: world.miner.sign(.zero))
        #expect(door.admit(forged) == .badSignature)
        #expect(door.admit(try door.transfer(1, fee: 9)) == .feeTooLow)
        #expect(door.admit(try door.transfer(1, fee: 10_001)) == .insufficientBalance)
        #expect(door.admit(try door.transfer(1, amount: 9991)) == .insufficientBalance)
        #expect(door.admit(try world.deposit(quote, amount: 4999)) == .escrowMismatch)
        #expect(door.admit(world.send(try Payload(type: "STAKE", ["amount": 1]), from: world.client)) == .unsupportedTransaction)
        #expect(door.admit(world.submit(try world.claim(quote, payment: .zero))) == .unknownEscrow)
        #expect(door.pool.count == 0)
        #expect(door.admit(try world.deposit(quote)) == nil)
        let same = world.send(.transfer(try Transfer(to: .escrow, amount: 5000, quote: quote)), from: world.client, nonce: 2)
        #expect(door.admit(same) == .escrowExists, "one pending deposit for a job")
        #expect(door.admit(try door.transfer(2, fee: 9991)) == .insufficientBalance, "all pending fees count")
    }

    @Test func claimsAreCheckedInFull() throws {
        var world = try World([.mintPerUnit: 0])
        let quote = try world.quote(price: 50)
        let payment = try world.open(quote)
        var door = Door(world)
        #expect(door.admit(world.submit(try world.claim(quote, payment: payment), fee: 51)) == .insufficientBalance)
        #expect(door.admit(world.submit(try world.claim(quote, payment: payment) { $0.units = 1 })) == .unitsMismatch)
        let spare = world.spareCoordinator
        #expect(door.admit(world.submit(try world.claim(quote, payment: payment) { $0.coordinator = spare })) == .unknownCoordinator)
        let claim = world.submit(try world.claim(quote, payment: payment), fee: 50)
        #expect(door.admit(claim) == nil)
        let second = world.send(.receiptClaim(try world.claim(quote, payment: payment) { $0.lease = "b" }), from: world.miner, nonce: 2)
        #expect(door.admit(second) == .receiptAlreadyClaimed)
        let outcomes = try world.block(door.pool.selection(state: world.state), verified: door.pool.verified).applied.outcomes
        #expect(outcomes.map(\.status) == [.confirmed])
        var after = Door(world)
        #expect(after.admit(second) == .receiptAlreadyClaimed)
        #expect(after.admit(claim) == .nonceTooLow)
    }

    @Test func limitedClaimsWait() throws {
        var world = try World([.maxMintPerCoordinator: 1])
        let quote = try world.quote()
        let payment = try world.open(quote)
        var door = Door(world)
        #expect(door.admit(world.submit(try world.claim(quote, payment: payment))) == nil)
        let proposed = try world.block(door.pool.selection(state: world.state)).proposed
        #expect(proposed.skipped.map(\.reason.code) == [.mintLimited])
    }

    @Test func itIsBounded() throws {
        let keys = try (10..<20).map { try World.key($0) }
        let world = try World(funded: keys.map { ($0, 10_000) })
        var door = Door(world, MempoolLimits(transactions: 5, perSender: 2))
        #expect(door.admit(try door.transfer(1, fee: 100)) == nil)
        #expect(door.admit(try door.transfer(2, fee: 20)) == nil)
        #expect(door.admit(try door.transfer(3)) == .mempoolFull)
        for (index, key) in keys[..<3].enumerated() { #expect(door.admit(try door.transfer(1, fee: 30 + Int64(index), from: key)) == nil) }
        #expect(door.pool.count == 5)
        #expect(door.admit(try door.transfer(1, fee: 20, from: keys[4])) == .mempoolFull)
        #expect(door.admit(try door.transfer(1, fee: 21, from: keys[4])) == nil, "the cheapest last one makes room")
        #expect(door.pool.count == 5)
        #expect(door.pool.nextNonce(of: world.client.address, state: world.state) == 2)
        #expect(door.admit(try door.transfer(1, fee: 21, from: keys[5])) == .mempoolFull)
        #expect(door.admit(try door.transfer(1, fee: 22, from: keys[5])) == nil)
        #expect(door.pool.pending(try door.transfer(1, fee: 21, from: keys[4]).hash(on: world.chain)) == nil)
    }

    @Test func itForgetsWhatIsUsedOldOrUnpayable() throws {
        var world = try World(clientBalance: 100, funded: [(try World.key(10), 1000)])
        let other = try World.key(10)
        var door = Door(world, MempoolLimits(age: 60))
        #expect(door.admit(try door.transfer(1, amount: 60)) == nil)
        #expect(door.admit(try door.transfer(2, fee: 40)) == nil)
        #expect(door.admit(try door.transfer(1, from: other), now: world.now - 50) == nil)
        #expect(door.admit(try door.transfer(2, from: other), now: world.now) == nil)
        try world.run(try world.transfer(60, from: world.client, to: world.miner.address, nonce: 1))
        var pool = door.pool
        pool.advance(to: world.state, now: world.now)
        #expect(pool.count == 2, "the first was used, the second's fee of 40 is over what is left")
        pool.advance(to: world.state, now: world.now + 10)
        #expect(pool.count == 0, "and with an expired one go those after it")
        #expect(pool.transactions.isEmpty && pool.selection(state: world.state).isEmpty)
    }

    @Test func selectionGoesByFeeInTheOrderOfNonces() throws {
        let keys = try (10..<13).map { try World.key($0) }
        var world = try World(funded: keys.map { ($0, 10_000) })
        var door = Door(world)
        let plan: [(Int, Int64, Int64)] = [(0, 1, 10), (0, 2, 500), (1, 1, 50), (1, 2, 40), (2, 1, 50), (2, 2, 60)]
        for (key, nonce, fee) in plan { #expect(door.admit(try door.transfer(nonce, fee: fee, from: keys[key])) == nil) }
        let chosen = door.pool.selection(state: world.state)
        #expect(chosen.map(\.fee) == [50, 50, 60, 40, 10, 500])
        #expect(chosen[0].sender == keys[1].address)
        #expect(door.pool.selection(state: world.state, limit: 2).map(\.fee) == [50, 50])
        let (applied, proposed) = try world.block(chosen, verified: door.pool.verified)
        #expect(applied.outcomes.count == 6 && proposed.skipped.isEmpty)
    }

    @Test func removingOneRemovesItsSuccessors() throws {
        var door = Door(try World())
        for nonce in 1...4 { #expect(door.admit(try door.transfer(Int64(nonce))) == nil) }
        door.pool.remove(try door.transfer(3).hash(on: door.world.chain))
        #expect(door.pool.count == 2)
        door.pool.remove(.zero)
        #expect(door.pool.count == 2)
    }

    /// Two claims that were good at the door; the second fails on chain, and its miner can't pay for that.
    @Test func whatCanNotBeInABlockIsDiscarded() throws {
        var world = try World([.mintPerUnit: 0])
        let quote = try world.quote(price: 50)
        let payment = try world.open(quote)
        let claim = try world.claim(quote, payment: payment)
        let rival = try World.key(60)
        let rivalClaim = world.send(
            .receiptClaim(
                try world.claim(quote, payment: payment) {
                    $0.miner = rival
                    $0.minerAddress = rival.address
                    $0.payout = rival.address
                }), from: rival)
        var door = Door(world)
        #expect(door.admit(rivalClaim) == nil)
        let proposed = try world.block([world.submit(claim), rivalClaim], verified: door.pool.verified).proposed
        #expect(proposed.skipped.map(\.reason.code) == [.insufficientBalance])
        door.pool.discard([(rivalClaim.hash(on: world.chain), Problem(.mintLimited, ""))])
        #expect(door.pool.count == 1)
        door.pool.discard(proposed.skipped)
        #expect(door.pool.count == 0)
    }
}

/// Long queues, expiry, and the way over a restart.
struct MempoolUpkeepTests {
    @Test func expiryTakesTheOldAndWhatWouldLeaveAGap() throws {
        let world = try World(funded: [(try World.key(10), 1000)])
        var pool = Mempool(chain: world.chain, limits: MempoolLimits(age: 100))
        let other = try World.key(10)
        func admit(_ transaction: Transaction, at now: Int64) throws { _ = try pool.admit(transaction, state: world.state, height: 0, now: now) }
        try admit(try world.transfer(1, from: world.client, to: world.miner.address, nonce: 1), at: 0)
        try admit(try world.transfer(1, from: other, to: world.miner.address, nonce: 1), at: 50)
        try admit(try world.transfer(1, from: world.client, to: world.miner.address, nonce: 2), at: 99)
        pool.expire(now: 99)
        #expect(pool.count == 3)
        pool.expire(now: 100)
        #expect(pool.count == 1 && pool.transactions.first?.sender == other.address)
        pool.expire(now: Int64.min)
        #expect(pool.count == 0, "a clock that makes no sense keeps nothing for ever")
    }

    @Test func restoringAsksEveryRuleAgain() throws {
        var world = try World()
        var pool = Mempool(chain: world.chain, limits: MempoolLimits(age: 100))
        let made = try (1...6).map { try world.transfer(1, from: world.client, to: world.miner.address, nonce: Int64($0), fee: 10 + Int64($0)) }
        for transaction in made { _ = try pool.admit(transaction, state: world.state, height: 0, now: 40) }
        let waiting = pool.waiting
        #expect(waiting.map(\.transaction) == made && waiting.allSatisfy { $0.entered == 40 })
        try world.run(made[0], made[1])
        var fresh = Mempool(chain: world.chain, limits: MempoolLimits(age: 100))
        #expect(fresh.restore(waiting, state: world.state, height: 1, now: 120) == 4)
        #expect(fresh.waiting.map(\.transaction) == Array(made[2...]))
        var late = Mempool(chain: world.chain, limits: MempoolLimits(age: 100))
        #expect(late.restore(waiting, state: world.state, height: 1, now: 140) == 0)
        var back = Mempool(chain: world.chain, limits: MempoolLimits(age: 100))
        #expect(back.restore(waiting, state: world.state, height: 1, now: 10) == 4)
        #expect(back.waiting.allSatisfy { $0.entered == 10 }, "nothing comes from the future")
    }

    /// A sender's whole share comes, is replaced in the middle, and goes with one block.
    @Test func aLongQueueKeepsItsOrder() throws {
        var world = try World(clientBalance: 1_000_000)
        var pool = Mempool(chain: world.chain)
        let count = 300
        for nonce in 1...count {
            _ = try pool.admit(
                world.transfer(1, from: world.client, to: world.miner.address, nonce: Int64(nonce)), state: world.state, height: 0, now: world.now)
        }
        let better = try world.transfer(2, from: world.client, to: world.miner.address, nonce: 150, fee: 11)
        _ = try pool.admit(better, state: world.state, height: 0, now: world.now)
        #expect(pool.count == count && pool.waiting.map(\.transaction.nonce) == (1...Int64(count)).map(\.self))
        try world.block(pool.selection(state: world.state, limit: 200))
        pool.advance(to: world.state, now: world.now)
        #expect(pool.count == 100 && pool.waiting.first?.transaction.nonce == 201)
        pool.remove(try #require(pool.waiting.first).transaction.hash(on: world.chain))
        #expect(pool.count == 0 && pool.waiting.isEmpty)
    }
}
