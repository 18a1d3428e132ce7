import Ledger
import Signing
import Testing
import Wire

/// Proof of authority: turns, clocks and forks.
struct ConsensusTests {
    private func rules(_ count: UInt8, interval: Int64 = 2) throws -> (poa: ProofOfAuthority, keys: [PrivateKey], state: LedgerState, head: Head) {
        let keys = try (0..<count).map { try World.key(100 + $0) }
        let world = try World([.blockInterval: interval], authorities: keys)
        return (ProofOfAuthority(genesisTimestamp: World.start), keys, world.state, world.head)
    }

    private func header(at time: Int64) -> BlockHeader {
        BlockHeader(parent: .zero, height: 1, timestamp: time, proposer: nil, txRoot: .zero, stateRoot: .zero)
    }

    @Test func authoritiesTakeTurnsBySlot() throws {
        let (poa, keys, state, head) = try rules(3, interval: 5)
        for slot in 1..<10 {
            for offset in [0, 4] {
                let time = World.start + Int64(slot * 5 + offset)
                let key = try poa.proposer(of: header(at: time), after: head, state: state, now: time)
                #expect(key == keys[slot % 3].publicKey)
            }
        }
    }

    @Test func slotsRiseStrictly() throws {
        let (poa, _, state, _) = try rules(1)
        let parent = Head(height: 1, hash: .zero, timestamp: World.start + 10)
        let now = World.start + 100
        #expect(code { try poa.proposer(of: header(at: World.start + 11), after: parent, state: state, now: now) } == .badTimestamp)
        #expect(code { try poa.proposer(of: header(at: World.start + 9), after: parent, state: state, now: now) } == .badTimestamp)
        #expect(code { try poa.proposer(of: header(at: World.start + 12), after: parent, state: state, now: now) } == nil)
        #expect(code { try poa.proposer(of: header(at: now + 2), after: parent, state: state, now: now) } == nil)
        #expect(code { try poa.proposer(of: header(at: now + 3), after: parent, state: state, now: now) } == .badTimestamp)
    }

    @Test func nextTurnIsAlwaysOnesOwn() throws {
        let (poa, keys, state, _) = try rules(4, interval: 3)
        var numbers = Seeded(5)
        for _ in 0..<500 {
            let parent = Head(height: 9, hash: .zero, timestamp: World.start + Int64.random(in: 0...200, using: &numbers))
            let now = World.start + Int64.random(in: -20...250, using: &numbers)
            let key = keys[Int.random(in: 0..<4, using: &numbers)]
            let time = try #require(poa.nextTurn(of: key.publicKey, after: parent, state: state, now: now))
            #expect(time >= now)
            #expect(try poa.proposer(of: header(at: time), after: parent, state: state, now: time) == key.publicKey)
            let earlier = (max(now, parent.timestamp)..<time).first {
                (try? poa.proposer(of: header(at: $0), after: parent, state: state, now: time)) == key.publicKey
            }
            #expect(earlier == nil, "an earlier turn was missed")
        }
        let stranger = try World.key(9)
        #expect(poa.nextTurn(of: stranger.publicKey, after: Head(height: 0, hash: .zero, timestamp: World.start), state: state, now: 0) == nil)
    }

    @Test func theHighestThenTheLowerSlotThenTheLowerHashWins() throws {
        let (poa, _, state, _) = try rules(1)
        let low = Digest.zero
        let high = SHA256.hash(utf8: "x")
        func head(_ height: Int64, _ time: Int64, _ hash: Digest) -> (head: Head, state: LedgerState) {
            (Head(height: height, hash: hash, timestamp: World.start + time), state)
        }
        #expect(poa.prefers(head(3, 50, high), over: head(2, 4, low)))
        #expect(!poa.prefers(head(2, 4, low), over: head(3, 50, high)))
        #expect(poa.prefers(head(3, 8, high), over: head(3, 10, low)))
        #expect(poa.prefers(head(3, 11, low), over: head(3, 10, high)), "one slot: the hash decides")
        #expect(!poa.prefers(head(3, 10, low), over: head(3, 10, low)))
    }

    @Test func itIsNotAnothersTurn() throws {
        let keys = try [World.key(100), World.key(101)]
        let world = try World(authorities: keys)
        #expect(
            code {
                try world.executor.propose(
                    transactions: [], on: world.state, parent: world.head, proposer: keys[1].publicKey, timestamp: World.start + 8,
                    now: World.start + 8)
            } == .wrongProposer)
    }
}
