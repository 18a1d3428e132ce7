import Synchronization
package import Wire

/// A running miner as those see it who live in the same process, such as the terminal's live page: what there is to see, and the
/// operator's three buttons.
package final class MinerPanel: Sendable {
    private let house = Mutex<MinerHouse?>(nil)
    /// What has happened, and what happens from now on.
    package let events = EventFeed()

    init() {}

    func open(_ house: MinerHouse) { self.house.withLock { $0 = house } }
    func close() { house.withLock { $0 = nil } }

    private func current() throws(Problem) -> MinerHouse {
        guard let house = house.withLock({ $0 }) else { throw Problem(.unavailable, "the miner has not begun, or has ended") }
        return house
    }

    /// Pause, resume, drain. Throws `unavailable` before the miner has begun and after it has ended.
    package var control: MinerControl { get throws(Problem) { try current().control } }

    /// What there is to see now, with the last hours' sums. Throws `unavailable`, `io_failed`.
    package func view() async throws(Problem) -> MinerView { try await current().view() }
}
