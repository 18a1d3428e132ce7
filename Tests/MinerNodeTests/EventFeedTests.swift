import Testing
import Wire

@testable import MinerNode

@Suite("The miner's latest events") struct EventFeedTests {
    @Test("A listener that falls behind is sent away; the miner and the others go on") func slow() async throws {
        let feed = EventFeed()
        let slow = try feed.listen()
        // One more than may wait for it.
        let count = 2 * EventFeed.memory + 513
        for _ in 0..<count { feed.add(MinerEvent(name: .ready, facts: [:])) }
        var last: Int64 = 0
        for await item in slow { last = item.number }
        #expect(last == Int64(count - 1), "its stream ends after what had waited")

        let next = try feed.listen(after: last)
        feed.close()
        var rest: [Int64] = []
        for await item in next { rest.append(item.number) }
        #expect(rest == [Int64(count)], "it goes on where it was")
    }

    @Test("No more listen than may, and places become free") func places() async throws {
        let feed = EventFeed()
        var streams = [try feed.listen()]
        while streams.count < EventFeed.maxListeners { streams.append(try feed.listen()) }
        #expect(throws: Problem.self) { try feed.listen() }
        streams.removeAll()
        _ = try feed.listen()
    }
}
