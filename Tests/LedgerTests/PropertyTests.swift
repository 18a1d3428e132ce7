import Ledger
import Signing
import Testing
import Wire

/// Random chains: whatever people send, the rules hold.
struct PropertyTests {
    /// A random mixture of honest and dishonest transactions on a world.
    private struct Crowd {
        var world: World
        var numbers: Seeded
        let people: [PrivateKey]
        var open: [(quote: Quote, payment: Digest)] = []

        init(seed: UInt64) throws {
            people = try (10..<15).map { try World.key($0) }
            numbers = Seeded(seed)
            world = try World(
                [
                    .burnBps: Int64(seed % 4) * 700, .treasuryBps: Int64(seed % 3) * 111, .maxSupply: seed % 2 == 0 ? 3_000_000 : 9_000_000_000_000,
                    .feePerByte: Int64(seed % 2), .refundDelay: Int64(seed % 4), .escrowTimeout: Int64(seed % 3),
                    .maxMintPerCoordinator: seed % 5 == 0 ? 200_000 : 0, .mintWindow: 3,
                ], funded: (people + [try World.key(6), try World.key(3)]).map { ($0, 20_000) })
        }

        mutating func draw(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &numbers) }

        mutating func transaction(_ nonces: inout [Address: Int64]) throws -> Transaction {
            switch draw(0...13) {
            case 10...12:
                guard let quote = open.randomElement(using: &numbers)?.quote else { return try update(&nonces) }
                let sender = [world.coordinator, world.coordinator, world.client, people[0]][Int(draw(0...3))]
                return try sign(.escrowRefund(quote.jobID), sender, &nonces)
            case 13: return try update(&nonces)
            case 0...3:
                let from = people[Int(draw(0...4))]
                let to = draw(0...9) == 0 ? Address.escrow : people[Int(draw(0...4))].address
                return try sign(.transfer(try Transfer(to: to, amount: draw(0...20) == 0 ? JSON.maxInteger : draw(1...9000))), from, &nonces)
            case 4...6:
                let quote = try world.quote(units: draw(0...500), price: draw(1...9000), parts: draw(1...3), expires: world.head.height + draw(0...5))
                let sender = draw(0...9) == 0 ? people[0] : world.client
                let amount = draw(0...9) == 0 ? quote.price + 1 : quote.price
                let deposit = try sign(.transfer(try Transfer(to: .escrow, amount: amount, quote: quote)), sender, &nonces)
                open.append((quote, deposit.hash(on: world.chain)))
                return deposit
            default:
                guard let (quote, payment) = open.randomElement(using: &numbers) else {
                    return try sign(.transfer(Transfer(to: .treasury, amount: 1)), people[0], &nonces)
                }
                let miner = people[Int(draw(0...4))]
                let spare = world.spareCoordinator
                let cheat = draw(0...7)
                let claim = try world.claim(quote, payment: payment, part: draw(0...2)) { [payout = people[2].address, lease = String(draw(0...99))] in
                    $0.miner = miner
                    $0.minerAddress = miner.address
                    $0.payout = payout
                    $0.lease = lease
                    if cheat == 0 { $0.units += 1 }
                    if cheat == 1 { $0.price += 1 }
                    if cheat == 2 { $0.coordinator = spare }
                    if cheat == 3 { $0.payment = .zero }
                }
                return try sign(.receiptClaim(claim), miner, &nonces)
            }
        }

        /// A parameter's new value, at times one that it can't have or by someone who may not.
        private mutating func update(_ nonces: inout [Address: Int64]) throws -> Transaction {
            let choices: [(Parameter, ClosedRange<Int64>)] = [
                (.burnBps, 0...12_000), (.refundDelay, 0...4), (.escrowTimeout, 0...6), (.mintPerUnit, 0...2000), (.minPricePerUnit, 0...20),
                (.baseFee, 9...40), (.mintWindow, 1...5), (.maxUnitsPerClaim, 0...600),
            ]
            let (parameter, range) = choices[Int(draw(0...Int64(choices.count - 1)))]
            let change: ParameterUpdate
            if draw(0...7) == 0 {
                change = .coordinators(draw(0...1) == 0 ? [world.coordinator.publicKey] : [world.spareCoordinator.publicKey, world.coordinator.publicKey])
            } else {
                change = try ParameterUpdate(["key": .string(parameter.rawValue), "value": .integer(draw(range))])
            }
            return try sign(.parameterUpdate(change), draw(0...9) == 0 ? people[1] : world.admin, &nonces)
        }

        private mutating func sign(_ payload: Payload, _ key: PrivateKey, _ nonces: inout [Address: Int64]) throws -> Transaction {
            let nonce = draw(0...14) == 0 ? draw(0...50) : (nonces[key.address] ?? world.state.account(key.address).nonce) + 1
            nonces[key.address] = nonce
            return world.send(payload, from: key, nonce: nonce, fee: draw(9...2500))
        }
    }

    @Test(arguments: 1...8)
    func randomChainsKeepTheRules(seed: Int) throws {
        var crowd = try Crowd(seed: UInt64(seed))
        var history: [Transaction] = []
        var confirmed = 0
        var failed = 0
        var kinds: [String: Int] = [:]
        var refunded: Set<JobID> = []
        for round in 0..<24 {
            var nonces: [Address: Int64] = [:]
            var candidates: [Transaction] = []
            if round < 18 { for _ in 0..<24 { candidates.append(try crowd.transaction(&nonces)) } }
            let replay = history.randomElement(using: &crowd.numbers)
            // Applies what was proposed, and sums all records anew.
            let (applied, proposed) = try crowd.world.block((replay.map { [$0] } ?? []) + candidates)
            if let replay { #expect(proposed.skipped.contains { $0.hash == replay.hash(on: crowd.world.chain) }) }
            for outcome in applied.outcomes { if outcome.status == .confirmed { confirmed += 1 } else { failed += 1 } }
            for (transaction, outcome) in zip(proposed.transactions, applied.outcomes) where outcome.status == .confirmed {
                kinds[transaction.payload.type, default: 0] += 1
            }
            for case .escrow(let escrow)? in applied.changes.map(\.record) {
                // Nothing leaves the last two, and a closing escrow's time is still to come.
                #expect(!refunded.contains(escrow.jobID))
                if escrow.status == .refunded { refunded.insert(escrow.jobID) }
                if escrow.status == .closing { #expect(escrow.closingAt > crowd.world.head.height) }
            }
            for case .escrow(let escrow)? in crowd.world.state.records.map(\.record) where escrow.status == .closing {
                #expect(escrow.closingAt > crowd.world.head.height, "no refund is overdue")
            }
            history += proposed.transactions
            let state = crowd.world.state
            let rebuilt = try LedgerState(records: state.records.shuffled(using: &crowd.numbers))
            #expect(rebuilt.root == state.root && rebuilt.tree.money == state.tree.money)
            #expect(try state.countedSupply() <= state.parameters[.maxSupply])
            for change in applied.changes { #expect(state[change.key] == change.record) }
        }
        #expect(confirmed > 20 && failed > 5, "the mixture is one: \(confirmed), \(failed)")
        #expect(kinds["ESCROW_REFUND", default: 0] > 0 && kinds["PARAM_UPDATE", default: 0] > 0 && !refunded.isEmpty, "\(kinds), \(refunded.count)")
        for transaction in history.shuffled(using: &crowd.numbers).prefix(25) { #expect(try crowd.world.refusal(transaction) == .nonceTooLow) }
    }

    @Test func theOrderOfTransactionsIsPartOfTheState() throws {
        let world = try World(clientBalance: 100, funded: [(try World.key(10), 100)])
        let other = try World.key(10)
        let give = try world.transfer(90, from: world.client, to: other.address)
        let pass = try world.transfer(150, from: other, to: world.miner.address)
        var first = world
        #expect(try first.run(give, pass).map(\.code) == [nil, nil])
        var second = world
        #expect(try second.run(pass, give).map(\.code) == [.insufficientBalance, nil])
        #expect(first.state.root != second.state.root)
    }

    /// A coordinator that was taken off the list can't settle what it quoted before.
    @Test func revokedCoordinatorsDoNotSettle() throws {
        var world = try World(funded: [(try World.key(2), 100)])
        let quote = try world.quote()
        let payment = try world.open(quote)
        let listed = RecordKey(.param, "coordinators")
        let records = world.state.records.map {
            $0.key == listed ? RecordChange(key: listed, record: .parameter([.string(world.spareCoordinator.publicKey.hex)])) : $0
        }
        world.state = try LedgerState(records: records)
        #expect(world.state.coordinators == [world.spareCoordinator.publicKey])
        #expect(try world.failure(world.submit(world.claim(quote, payment: payment))) == .unknownCoordinator)
        #expect(try world.failure(world.deposit(world.quote())) == .unknownCoordinator)
    }
}
