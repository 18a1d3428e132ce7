import Synchronization
import Wire

/// Token buckets by name, in bounded memory.
///
/// Two generations of at most half the bound each: a name that is used moves to the young one, and when that is full the old
/// one is forgotten whole. Every step is constant in time, whatever callers do; forgetting favours the caller.
package final class TokenBuckets: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    private struct State {
        var young: [String: Bucket] = [:]
        var old: [String: Bucket] = [:]
    }

    private let rate: Rate
    private let half: Int
    private let state = Mutex(State())

    /// - Parameter remembered: names at one time, at least 2.
    package init(_ rate: Rate, remembered: Int) {
        self.rate = rate
        half = max(1, remembered / 2)
    }

    /// Takes a token from the name's bucket.
    ///
    /// - Returns: nil when there was one; otherwise the time until there is.
    package func take(_ name: String, now: ContinuousClock.Instant = .now) -> Duration? {
        guard rate.perSecond.isFinite else { return nil }
        return state.withLock { state in
            var bucket = state.young[name] ?? state.old[name] ?? Bucket(tokens: rate.burst, at: now)
            // A clock that was read by another thread may be a little behind.
            let passed = max(0, (now - bucket.at).seconds)
            bucket.tokens = min(rate.burst, bucket.tokens + passed * rate.perSecond)
            bucket.at = max(now, bucket.at)
            let wait: Duration? = bucket.tokens >= 1 ? nil : .seconds((1 - bucket.tokens) / rate.perSecond)
            if wait == nil { bucket.tokens -= 1 }
            keep(bucket, name, &state)
            return wait
        }
    }

    /// Gives a token back to a name that is still remembered.
    package func giveBack(_ name: String) {
        state.withLock { state in
            guard var bucket = state.young[name] else { return }
            bucket.tokens = min(rate.burst, bucket.tokens + 1)
            state.young[name] = bucket
        }
    }

    /// Names remembered now.
    package var count: Int { state.withLock { Set($0.young.keys).union($0.old.keys).count } }

    private func keep(_ bucket: Bucket, _ name: String, _ state: inout State) {
        if state.young.count >= half, state.young[name] == nil {
            state.old = state.young
            state.young = [:]
        }
        state.young[name] = bucket
    }
}

/// Too many requests of one caller, with the time after which another one is welcome.
package struct RateLimited: Error, Sendable {
    package let wait: Duration

    package init(wait: Duration) { self.wait = wait }

    var problem: Problem { Problem(.rateLimited, "too many requests; wait as long as Retry-After says, and send fewer") }

    /// Whole seconds, rounded up, as `Retry-After` wants them.
    var retryAfter: String { String(max(1, Int64(min(wait.seconds, 86_400).rounded(.up)))) }
}
