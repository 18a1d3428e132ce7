import Foundation
import Synchronization

/// How much of a work goes into one call of a library, in which it can't be stopped, held or seen to go on: what takes up to a fifth of a second.
///
/// Every call packs its operands anew, so that short ones cost: a product of n = 2048 in three calls of 30 ms was measured some 4 % slower than in one.
package final class CallLength: Sendable {
    private static let longest = 0.2
    /// Operations per second until a call was timed: those of a small machine.
    private static let cautious = 4e10
    /// What fewer operations take says little; of more there is no machine for a fifth of a second.
    private static let range = 1e9...1e15

    private let speeds = Mutex<[Arithmetic: Double]>([:])

    package init() {}

    /// Operations in one call: a power of two, so that plans which are made for a shape are few.
    package func operations(_ arithmetic: Arithmetic) -> Double {
        let speed = speeds.withLock { $0[arithmetic] } ?? Self.cautious
        return exp2(log2(min(max(speed * Self.longest, Self.range.lowerBound), Self.range.upperBound)).rounded(.down))
    }

    /// Makes a call, and takes its speed for that of the next.
    package func time<E: Error>(_ arithmetic: Arithmetic, operations: Double, _ call: () throws(E) -> Void) throws(E) {
        let begin = ContinuousClock.now
        try call()
        let took = max((.now - begin) / .seconds(1), 1e-6)
        if operations >= Self.range.lowerBound { speeds.withLock { $0[arithmetic] = operations / took } }
    }
}
