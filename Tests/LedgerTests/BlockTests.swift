import Ledger
import Signing
import Testing
import Wire

/// What makes a block invalid as a whole.
struct BlockTests {
    /// An honest block on `world`, taken apart for tampering.
    private struct Draft {
        var parent: Digest
        var height: Int64
        var timestamp: Int64
        var proposer: Address?
        var txRoot: Digest
        var stateRoot: Digest
        var hashes: [Digest]
        var bodies: [Transaction]
        var signer: PrivateKey
        var now: Int64

        init(_ world: World) throws {
            let transfer = try world.transfer(5, from: world.client, to: world.miner.address)
            let proposed = try world.executor.propose(
                transactions: [transfer], on: world.state, parent: world.head, proposer: world.proposer.publicKey, timestamp: world.now,
                now: world.now)
            (parent, height, timestamp) = (proposed.header.parent, proposed.header.height, proposed.header.timestamp)
            (proposer, txRoot, stateRoot) = (proposed.header.proposer, proposed.header.txRoot, proposed.header.stateRoot)
            (hashes, bodies, signer, now) = (proposed.hashes, proposed.transactions, world.proposer, world.now)
        }

        func apply(to world: World) throws -> AppliedBlock {
            let header = BlockHeader(
                parent: parent, height: height, timestamp: timestamp, proposer: proposer, txRoot: txRoot, stateRoot: stateRoot)
            let block = Block.signed(header, transactions: hashes, by: signer, chain: world.chain)
            return try world.executor.apply(block: block, transactions: bodies, to: world.state, parent: world.head, now: now)
        }
    }

    @Test func everyPartOfABlockIsChecked() throws {
        let world = try World()
        let stranger = try World.key(50)
        let other = try world.transfer(6, from: world.client, to: world.miner.address)
        let cases: [(String, Problem.Code?, (inout Draft) -> Void)] = [
            ("honest", nil, { _ in }), ("parent", .wrongParent, { $0.parent = .zero }), ("height", .wrongHeight, { $0.height = 2 }),
            ("height 0", .wrongHeight, { $0.height = 0 }), ("largest height", .wrongHeight, { $0.height = .max }),
            ("future", .badTimestamp, { $0.timestamp += 3 }), ("an interval ahead", nil, { $0.now -= 2 }),
            ("parent's slot", .badTimestamp, { $0.timestamp = World.start + 1 }), ("before genesis", .badTimestamp, { $0.timestamp = World.start - 1 }),
            ("least time", .badTimestamp, { $0.timestamp = .min }), ("largest time", .badTimestamp, { $0.timestamp = .max }),
            ("proposer", .wrongProposer, { $0.proposer = stranger.address }), ("no proposer", .wrongProposer, { $0.proposer = nil }),
            ("signer", .badSignature, { $0.signer = stranger }), ("txRoot", .wrongTxRoot, { $0.txRoot = .zero }),
            ("stateRoot", .wrongStateRoot, { $0.stateRoot = .zero }), ("body", .wrongTxRoot, { $0.bodies = [other] }),
            ("no bodies", .wrongTxRoot, { $0.bodies = [] }), ("hashes", .wrongTxRoot, { $0.hashes = [] }),
            (
                "other transaction", .wrongStateRoot,
                { [chain = world.chain] in
                    $0.bodies = [other]
                    $0.hashes = [other.hash(on: chain)]
                    $0.txRoot = BlockHeader.txRoot($0.hashes)
                }
            ),
        ]
        for (name, expected, change) in cases {
            var draft = try Draft(world)
            change(&draft)
            #expect(code { try draft.apply(to: world) } == expected, "\(name)")
        }
    }

    @Test func anUnsignedBlockIsRefused() throws {
        let world = try World()
        let proposed = try world.executor.propose(
            transactions: [], on: world.state, parent: world.head, proposer: world.proposer.publicKey, timestamp: world.now, now: world.now)
        let block = Block(header: proposed.header, transactions: [], signature: nil, chain: world.chain)
        #expect(code { try world.executor.apply(block: block, transactions: [], to: world.state, parent: world.head, now: world.now) } == .badSignature)
        #expect(code { try Block(block.json, chain: world.chain) } == .badSignature)
        let signed = Block.signed(proposed.header, transactions: [], by: world.proposer, chain: world.chain)
        #expect(try proposed.sealed(signed).state.root == proposed.header.stateRoot)
        #expect(code { try proposed.sealed(world.genesis.block()) } == .badBlock)
    }

    @Test func aReplayedBlockIsRefused() throws {
        var world = try World()
        let before = world
        let (applied, _) = try world.block([try world.transfer(5, from: world.client, to: world.miner.address)])
        let bodies = [try before.transfer(5, from: before.client, to: before.miner.address)]
        #expect(
            code {
                try world.executor.apply(block: applied.block, transactions: bodies, to: world.state, parent: world.head, now: world.now)
            } == .wrongHeight)
        let again = try before.executor.apply(block: applied.block, transactions: bodies, to: before.state, parent: before.head, now: world.now)
        #expect(again.state.root == world.state.root)
    }

    /// Signatures that the mempool checked aren't checked again, and only those.
    @Test func rememberedSignatures() throws {
        var world = try World()
        var pool = Mempool(chain: world.chain)
        let good = try world.transfer(5, from: world.client, to: world.miner.address)
        _ = try pool.admit(good, state: world.state, height: 0, now: world.now)
        let forged = Transaction(
            sender: good.sender, nonce: good.nonce, fee: good.fee, payload: good.payload, publicKey: good.publicKey,
            signature: world.miner.sign(.zero))
        let (applied, proposed) = try world.block([forged, good], verified: pool.verified)
        #expect(proposed.skipped.map(\.reason.code) == [.badSignature])
        #expect(applied.outcomes.count == 1)
    }

    @Test func aSealedBlockCarriesAtMostItsLimit() throws {
        let world = try World()
        let many = try (1...5).map { try world.transfer(5, from: world.client, to: world.miner.address, nonce: $0) }
        let proposed = try world.executor.propose(
            transactions: many, on: world.state, parent: world.head, proposer: world.proposer.publicKey, timestamp: world.now, now: world.now,
            limit: 3)
        #expect(proposed.transactions.count == 3 && proposed.skipped.isEmpty)
    }
}
