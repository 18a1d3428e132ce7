import Ledger
import Signing
import Testing
import Wire

/// Signatures, nonces, fees and TRANSFER.
struct TransactionRuleTests {
    @Test func aTransferMovesMoneyAndPaysTheProposer() throws {
        var world = try World()
        let outcome = try world.run(world.transfer(1000, from: world.client, to: world.miner.address, fee: 25))[0]
        #expect(outcome.status == .confirmed && outcome.fee == 25 && outcome.code == nil)
        #expect(world.balance(world.client) == 998_975)
        #expect(world.balance(world.miner) == 1000)
        #expect(world.balance(world.proposer) == 25)
        #expect(world.state.account(world.client.address).nonce == 1)
        #expect(world.state.account(world.client.address).publicKey == world.client.publicKey)
        try world.run(world.transfer(7, from: world.client, to: world.client.address))
        #expect(world.balance(world.client) == 998_965)
    }

    @Test func signaturesMustHold() throws {
        var world = try World()
        let good = try world.transfer(5, from: world.client, to: world.miner.address)
        let forged = Transaction(
            sender: good.sender, nonce: 1, fee: 10, payload: good.payload, publicKey: world.client.publicKey,
            signature: world.miner.sign(good.hash(on: world.chain)))
        #expect(try world.refusal(forged) == .badSignature)
        let otherKey = Transaction(
            sender: good.sender, nonce: 1, fee: 10, payload: good.payload, publicKey: world.miner.publicKey,
            signature: world.miner.sign(good.hash(on: world.chain)))
        #expect(try world.refusal(otherKey) == .badSignature)
        let raised = Transaction(
            sender: good.sender, nonce: 1, fee: 11, payload: good.payload, publicKey: good.publicKey, signature: good.signature)
        #expect(try world.refusal(raised) == .badSignature)
        let elsewhere = Transaction.signed(by: world.client, chain: try ChainID("other"), nonce: 1, fee: 10, payload: good.payload)
        #expect(try world.refusal(elsewhere) == .badSignature)
        try world.run(good)
        #expect(world.state.account(world.client.address).nonce == 1)
    }

    @Test func theKeyMayBeLeftOutOnceSeen() throws {
        var world = try World()
        let payload = Payload.transfer(try Transfer(to: world.miner.address, amount: 1))
        #expect(try world.refusal(world.send(payload, from: world.client, namesKey: false)) == .badSignature)
        try world.run(world.send(payload, from: world.client))
        try world.run(world.send(payload, from: world.client, namesKey: false))
        #expect(world.state.account(world.client.address).nonce == 2)
    }

    @Test func aFailedTransactionStillShowsItsKey() throws {
        var world = try World()
        let tooMuch = try Transfer(to: world.miner.address, amount: 2_000_000)
        #expect(try world.run(world.send(.transfer(tooMuch), from: world.client))[0].code == .insufficientBalance)
        let payload = Payload.transfer(try Transfer(to: world.miner.address, amount: 1))
        try world.run(world.send(payload, from: world.client, namesKey: false))
    }

    @Test func noncesRiseByOne() throws {
        var world = try World()
        #expect(try world.refusal(world.transfer(5, from: world.client, to: world.miner.address, nonce: 0)) == .nonceTooLow)
        #expect(try world.refusal(world.transfer(5, from: world.client, to: world.miner.address, nonce: 2)) == .nonceGap)
        let first = try world.transfer(5, from: world.client, to: world.miner.address)
        try world.run(first)
        #expect(try world.refusal(first) == .nonceTooLow)
        let (_, proposed) = try world.block([
            try world.transfer(5, from: world.client, to: world.miner.address, nonce: 2),
            try world.transfer(6, from: world.client, to: world.miner.address, nonce: 2),
            try world.transfer(5, from: world.client, to: world.miner.address, nonce: 3),
        ])
        #expect(proposed.skipped.map(\.reason.code) == [.nonceTooLow])
        #expect(world.state.account(world.client.address).nonce == 3)
    }

    @Test func feesHaveALeastAndMustBePayable() throws {
        let world = try World([.baseFee: 100, .feePerByte: 3], clientBalance: 5000)
        let sized = try world.transfer(1, from: world.client, to: world.miner.address)
        let least = 100 + 3 * Int64(sized.payloadSize)
        #expect(try world.state.parameters.minimumFee(for: sized.payload) == least)
        #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, fee: least - 1)) == .feeTooLow)
        #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, fee: least)) == nil)
        #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, fee: 5001)) == .insufficientBalance)
        let costly = try World([.feePerByte: JSON.maxInteger])
        #expect(try costly.refusal(costly.transfer(1, from: costly.client, to: costly.miner.address)) == .outOfRange)
    }

    @Test func aFailedEffectCostsFeeAndNonceAndNothingElse() throws {
        var world = try World(clientBalance: 1000)
        let before = world.state
        let outcome = try world.run(world.transfer(991, from: world.client, to: world.miner.address, fee: 10))[0]
        #expect(outcome.status == .failed && outcome.code == .insufficientBalance && outcome.fee == 10)
        #expect(world.balance(world.client) == 990)
        #expect(world.balance(world.miner) == 0)
        #expect(world.balance(world.proposer) == 10)
        #expect(world.state.account(world.client.address).nonce == 1)
        #expect(world.state.tree.count == before.tree.count + 1)
        #expect(world.state.minted == 0 && world.state.burned == 0)
    }

    @Test func theTypesOfLaterIssuesAreReadButHaveNoPlaceInABlock() throws {
        let world = try World()
        for json: JSON in [["amount": 5]] {
            for type in ["STAKE", "UNSTAKE"] {
                #expect(try world.refusal(world.send(try Payload(type: type, json), from: world.client)) == .unsupportedTransaction)
            }
        }
        #expect(code { try Payload(type: "MINT", ["amount": 5]) } == .unsupportedTransaction)
    }

    /// Amounts near 2^53 are refused or fail; nothing wraps or stops the process.
    @Test func hugeAmountsFail() throws {
        var world = try World(clientBalance: 8_999_999_999_999_000)
        let max = JSON.maxInteger
        #expect(try world.failure(world.transfer(max, from: world.client, to: world.miner.address)) == .insufficientBalance)
        #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, fee: max)) == .insufficientBalance)
        #expect(code { try Transfer(to: world.miner.address, amount: max + 1) } == .outOfRange)
        #expect(code { try Transfer(to: world.miner.address, amount: 0) } == .outOfRange)
        #expect(code { try Transfer(to: world.miner.address, amount: -5) } == .outOfRange)
        for fee in [-1, Int64.min, Int64.max] {
            #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, fee: fee)) != nil)
        }
        for nonce in [-1, Int64.min, Int64.max] {
            #expect(try world.refusal(world.transfer(1, from: world.client, to: world.miner.address, nonce: nonce)) != nil)
        }
        try world.run(world.transfer(8_999_999_999_998_990, from: world.client, to: world.miner.address))
        #expect(world.balance(world.client) == 0)
    }

    @Test func aBlockWithATransactionThatMayNotBeInItIsInvalid() throws {
        let world = try World()
        let good = try world.transfer(5, from: world.client, to: world.miner.address)
        let gap = try world.transfer(5, from: world.client, to: world.miner.address, nonce: 3)
        let honest = try world.executor.propose(
            transactions: [good], on: world.state, parent: world.head, proposer: world.proposer.publicKey, timestamp: world.now, now: world.now)
        let hashes = [good, gap].map { $0.hash(on: world.chain) }
        let header = BlockHeader(
            parent: honest.header.parent, height: 1, timestamp: world.now, proposer: world.proposer.address, txRoot: BlockHeader.txRoot(hashes),
            stateRoot: honest.header.stateRoot)
        let block = Block.signed(header, transactions: hashes, by: world.proposer, chain: world.chain)
        #expect(
            code {
                try world.executor.apply(block: block, transactions: [good, gap], to: world.state, parent: world.head, now: world.now)
            } == .nonceGap)
    }
}
