/// How many requests a caller may make: so many a second in the long run, and so many at once.
package struct Rate: Sendable, Equatable {
    package let perSecond: Double
    package let burst: Double

    /// - Parameters:
    ///   - perSecond: over 0, or infinity for no limit.
    ///   - burst: at least 1; a second's worth where not given.
    package init(perSecond: Double, burst: Double? = nil) {
        self.perSecond = perSecond.isNaN ? 1 : max(perSecond, 0.001)
        self.burst = max(burst ?? self.perSecond, 1)
    }

    package static let unlimited = Rate(perSecond: .infinity)
}

/// What the callers of one listener may ask for.
///
/// A request counts for its address. Once its signature holds it counts for its key instead, and the address gets it back: so
/// a proxy's address, which stands for many callers, is no bottleneck for those who sign.
package struct RateLimits: Sendable {
    /// An address of another machine; IPv6 addresses count by their /64.
    package var address = Rate(perSecond: 200, burst: 1_000)
    /// This machine's own address, and a proxy's on it: only a programme that runs wild meets it.
    package var loopback = Rate(perSecond: 20_000, burst: 40_000)
    /// A key whose signature held.
    package var key = Rate(perSecond: 4_000, burst: 8_000)
    /// Health and metrics of each address, apart from the rest: so that neither shuts the other out.
    package var probes = Rate(perSecond: 50, burst: 200)
    /// Callers that are remembered. One that is forgotten begins anew with a full burst.
    package var remembered = 65_536

    package init() {}

    /// No limits at all.
    package static var none: RateLimits {
        var limits = RateLimits()
        (limits.address, limits.loopback, limits.key, limits.probes) = (.unlimited, .unlimited, .unlimited, .unlimited)
        return limits
    }
}
