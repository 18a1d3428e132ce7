import Ledger
import Signing
import Testing
import Wire

/// Following headers without a state.
struct LightChainTests {
    /// A world's blocks as a light client gets them.
    private struct Record {
        var world: World
        var light: LightChain

        init() throws {
            world = try World(funded: [(try World.key(6), 10_000)])
            light = try LightChain(genesis: world.genesis)
        }

        mutating func block(_ transactions: [Transaction] = []) throws -> (Block, [Transaction]) {
            let (applied, proposed) = try world.block(transactions)
            return (applied.block, proposed.transactions)
        }

        mutating func follow(_ made: (Block, [Transaction])) throws { try light.follow(made.0, bodies: made.1, now: world.now) }
    }

    @Test func headersAndProofsGoTogether() throws {
        var record = try Record()
        for number in 1...5 {
            try record.follow(record.block([record.world.transfer(10, from: record.world.client, to: record.world.miner.address)]))
            #expect(record.light.head == record.world.head && record.light.stateRoot == record.world.state.root)
            let key = RecordKey(.account, record.world.miner.address.text)
            let proved = try record.world.state.tree.proof(of: key).record(under: record.light.stateRoot)
            #expect(proved == .account(Account(address: record.world.miner.address, balance: Int64(10 * number))))
        }
    }

    /// A header whose signature is right but whose author or time is not is no next header.
    @Test func whatIsNotTheNextBlockIsRefused() throws {
        var record = try Record()
        let world = record.world
        let (block, bodies) = try record.block([world.transfer(10, from: world.client, to: world.miner.address)])
        let stranger = try World.key(90)
        let light = record.light
        func refusal(_ header: BlockHeader, by key: PrivateKey? = nil, hashes: [Digest]? = nil, bodies given: [Transaction]? = nil) -> Problem.Code? {
            var copy = light
            let signed = Block.signed(header, transactions: hashes ?? block.transactions, by: key ?? world.proposer, chain: world.chain)
            return code { try copy.follow(signed, bodies: given ?? bodies, now: record.world.now) }
        }
        func changed(
            parent: Digest? = nil, height: Int64? = nil, timestamp: Int64? = nil, proposer: Address? = nil, txRoot: Digest? = nil
        ) -> BlockHeader {
            let header = block.header
            return BlockHeader(
                parent: parent ?? header.parent, height: height ?? header.height, timestamp: timestamp ?? header.timestamp,
                proposer: proposer ?? header.proposer, txRoot: txRoot ?? header.txRoot, stateRoot: header.stateRoot)
        }
        #expect(refusal(block.header) == nil)
        #expect(refusal(changed(height: 2)) == .wrongHeight)
        #expect(refusal(changed(parent: .zero)) == .wrongParent)
        #expect(refusal(changed(timestamp: World.start - 1)) == .badTimestamp)
        #expect(refusal(changed(timestamp: record.world.now + 100)) == .badTimestamp)
        #expect(refusal(changed(timestamp: World.start)) == .badTimestamp, "the parent's slot")
        #expect(refusal(block.header, by: stranger) == .badSignature)
        #expect(refusal(changed(proposer: stranger.address), by: stranger) == .wrongProposer)
        #expect(refusal(block.header, bodies: []) == .wrongTxRoot, "bodies that are held back")
        #expect(refusal(block.header, hashes: [], bodies: []) == .wrongTxRoot)
        #expect(refusal(changed(txRoot: .zero)) == .wrongTxRoot)
        #expect(
            code {
                var copy = light
                try copy.follow(try world.genesis.block(), bodies: nil, now: world.now)
            } == .wrongHeight)
    }

    /// The admin's changes are seen in the bodies; whoever loses the office can't make the next header.
    @Test func authoritiesAndIntervalFollowTheAdmin() throws {
        var record = try Record()
        let heir = try World.key(40)
        let spoiled = try ParameterUpdate(["key": "burn_bps", "value": 20_000])
        let stranger = record.world.update(.authorities([record.world.miner.publicKey]), by: record.world.client)
        let made = try record.block([
            record.world.update(spoiled), stranger, record.world.update(.authorities([heir.publicKey]), nonce: 2),
            record.world.update(ParameterUpdate(.blockInterval, 7), nonce: 3),
        ])
        #expect(made.1.count == 4)
        try record.follow(made)
        #expect(record.light.parameters == record.world.state.parameters, "failed ones left no trace, nor did a stranger's")
        let time = try #require(
            record.world.executor.consensus.nextTurn(of: heir.publicKey, after: record.world.head, state: record.world.state, now: record.world.now))
        func next(_ key: PrivateKey) -> Block {
            let header = BlockHeader(
                parent: record.world.head.hash, height: 2, timestamp: time, proposer: key.address, txRoot: BlockHeader.txRoot([]),
                stateRoot: record.world.state.root)
            return Block.signed(header, transactions: [], by: key, chain: record.world.chain)
        }
        #expect(
            code {
                var copy = record.light
                try copy.follow(next(record.world.proposer), bodies: nil, now: time)
            } == .wrongProposer)
        try record.light.follow(next(heir), bodies: nil, now: time)
        #expect(record.light.head.height == 2)
    }
}
