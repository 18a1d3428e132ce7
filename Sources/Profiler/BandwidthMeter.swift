import Foundation
import Synchronization
import Wire

/// Measures memory bandwidth on all cores: McCalpin's STREAM copy, over arrays well beyond the last-level cache.
///
/// Copy and not triad, because it is the C library's `memcpy` in every build, and a loop in Swift would measure the compiler's
/// optimisation level. A byte copied counts as two bytes of traffic, as STREAM counts.
package struct BandwidthMeter: Sendable {
    /// At least this much in all, and at least four times the last-level cache.
    private static let smallestBytes = 128 << 20
    private static let largestBytes = 1 << 30

    private let threads: Int
    private let share: Int
    private let arrays: Arrays

    /// How many bytes a measurement takes; nil where they are more than `limit`.
    package static func bytes(cacheBytes: Int?, limit: Int) -> Int? {
        let total = min(largestBytes, max(smallestBytes, 4 * min(cacheBytes ?? 0, largestBytes / 4)))
        return total <= limit ? total : nil
    }

    /// Takes the memory, and its pages from the system.
    package init(threads: Int, byteCount: Int) {
        self.threads = max(1, threads)
        share = max(1, byteCount / 2 / self.threads)
        arrays = Arrays(count: self.threads, byteCount: share)
    }

    /// Copies everything once; gives the bytes of traffic.
    package func run() -> Int64 {
        DispatchQueue.concurrentPerform(iterations: threads) { index in arrays.copy(index) }
        return Int64(2 * share * threads)
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
