import Foundation
import Synchronization
import Wire

/// Measures memory bandwidth on all cores: McCalpin's STREAM copy, over arrays well beyond the last-level cache.
///
/// Copy and not triad, because it is the C library's `memcpy` in every build, and a loop in Swift would measure the compiler's
/// optimisation level. A byte copied counts as two bytes of traffic, as STREAM counts.
package enum BandwidthMeter {
    /// At least this much in all, and at least four times the last-level cache.
    private static let smallestBytes = 128 << 20
    private static let largestBytes = 1 << 30

    /// The best rate seen within `budget`, in bytes per second; nil where not even the smallest arrays may be taken.
    ///
    /// Synchronous. `limit` bounds the memory taken for it.
    package static func measure(threads: Int, cacheBytes: Int?, budget: Duration, limit: Int) -> Double? {
        let threads = max(1, threads)
        let total = min(largestBytes, max(smallestBytes, 4 * min(cacheBytes ?? 0, largestBytes / 4)))
        guard total <= limit else { return nil }
        let share = total / 2 / threads
        let arrays = Arrays(count: threads, byteCount: share)
        let clock = ContinuousClock()
        let start = clock.now
        var best: Double?
        var rounds = 0
        while rounds < 3 || clock.now - start < budget {
            let begin = clock.now
            DispatchQueue.concurrentPerform(iterations: threads) { index in arrays.copy(index) }
            let took = (clock.now - begin).seconds
            rounds += 1
            // The first round takes the pages from the system.
            if rounds > 1 { best = max(best ?? 0, Double(2 * share * threads) / max(took, 1e-9)) }
        }
        return best
    }

    /// One pair of arrays for each thread, in one piece of memory: first all sources, then all targets.
    ///
    /// `@unchecked Sendable`: thread i touches pair i alone, and the memory outlives the threads' work.
    @safe private final class Arrays: @unchecked Sendable {
        private let count: Int
        private let byteCount: Int
        private let base: UnsafeMutableRawPointer

        init(count: Int, byteCount: Int) {
            self.count = count
            self.byteCount = byteCount
            unsafe base = UnsafeMutableRawPointer.allocate(byteCount: 2 * count * byteCount, alignment: 4_096)
            unsafe base.initializeMemory(as: UInt8.self, repeating: 1, count: 2 * count * byteCount)
        }

        deinit { unsafe base.deallocate() }

        func copy(_ index: Int) { unsafe memcpy(base + (count + index) * byteCount, base + index * byteCount, byteCount) }
    }
}
