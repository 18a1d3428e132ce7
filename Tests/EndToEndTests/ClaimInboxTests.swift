import Ledger
import MinerNode
import Testing
import Wire

@Suite("Signed receipts between courier and claims") struct ClaimInboxTests {
    private static func signed(_ nonce: Character) throws -> OutboxEntry {
        let sample = try MinerOutboxTests.Sample(nonce: nonce)
        var entry = sample.entry
        try entry.apply(.accepted(try sample.claim()))
        return entry
    }

    @Test("What doesn't fit is looked for on the disk, once") func bounded() throws {
        let inbox = ClaimInbox(most: 2)
        let entries = try "123".map(Self.signed)
        #expect(inbox.takeMissed(), "an earlier run may have left some")
        #expect(!inbox.takeMissed())
        for entry in entries {
            inbox.expect(entry.id)
            inbox.put(entry)
        }
        #expect(inbox.take() == Array(entries.prefix(2)))
        #expect(inbox.takeMissed() && !inbox.takeMissed())
        inbox.miss()
        #expect(inbox.takeMissed())
    }

    @Test("What the disk shows and the courier still brings is taken from the courier alone") func once() throws {
        let inbox = ClaimInbox(most: 8)
        let entries = try "1234".map(Self.signed)
        // Written and not brought yet; brought and not taken; of an earlier run; not written in the end.
        inbox.expect(entries[0].id)
        inbox.expect(entries[1].id)
        inbox.put(entries[1])
        inbox.expect(entries[3].id)
        inbox.giveUp(entries[3].id)
        #expect(inbox.missing(of: entries) == [entries[2], entries[3]])
        inbox.put(entries[0])
        #expect(inbox.take() == [entries[1], entries[0]])
        #expect(inbox.missing(of: entries) == entries)
    }

    @Test("Held receipts keep no others from being claimed; each is there once") func queue() throws {
        var queue = SignedQueue()
        let entries = try "1234".map(Self.signed)
        for entry in entries + entries { queue.add(entry) }
        #expect(queue.count == 4)
        var holds = ClaimHolds(Pauses(first: .seconds(1), longest: .seconds(3)))
        let now = ContinuousClock.now
        holds.put(entries[0].id, Problem(.mintLimited, "later"), at: now)
        let first = queue.ready(2, holds: holds, at: now)
        #expect(first.ready == [entries[1], entries[2]] && first.reason?.code == .mintLimited)
        queue.remove([entries[1].id, entries[2].id])
        #expect(queue.ready(9, holds: holds, at: now + .seconds(2)).ready == [entries[0], entries[3]])
        #expect(!queue.contains(entries[1].id) && queue.contains(entries[3].id))
        queue.remove(Set(entries.map(\.id)))
        #expect(queue.isEmpty)
    }
}
