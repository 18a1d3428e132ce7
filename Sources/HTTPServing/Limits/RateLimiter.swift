import HTTPTypes
import Hummingbird
import Wire

/// Counts a listener's requests by caller and refuses those over the limits, before anything is read or checked.
package final class RateLimiter: Sendable {
    private static let probes: Set<String> = ["/health", "/metrics", "/rpc/health", "/rpc/metrics"]

    private let addresses: TokenBuckets
    private let loopback: TokenBuckets
    private let probes: TokenBuckets
    private let keys: TokenBuckets
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the time by which callers get their tokens back.
    package init(_ limits: RateLimits = RateLimits(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
        addresses = TokenBuckets(limits.address, remembered: limits.remembered)
        loopback = TokenBuckets(limits.loopback, remembered: 16)
        probes = TokenBuckets(limits.probes, remembered: limits.remembered)
        keys = TokenBuckets(limits.key, remembered: limits.remembered)
    }

    /// Counts a request for its address.
    ///
    /// - Parameter route: the route's template; nil where there is none.
    /// - Throws: `RateLimited`.
    func admit(peer: String?, route: String?) throws(RateLimited) {
        let name = Self.name(peer)
        let buckets = route.map(Self.probes.contains) == true ? probes : bucket(peer)
        if let wait = buckets.take(name, now: now()) { throw RateLimited(wait: wait) }
    }

    /// Counts a request whose signature holds for its key, and no longer for its address.
    ///
    /// - Parameter key: the signer's address.
    /// - Throws: `RateLimited`.
    package func charge(key: String, peer: String?) throws(RateLimited) {
        bucket(peer).giveBack(Self.name(peer))
        if let wait = keys.take(key, now: now()) { throw RateLimited(wait: wait) }
    }

    private func bucket(_ peer: String?) -> TokenBuckets { Peer.isLoopback(peer) ? loopback : addresses }

    private static func name(_ peer: String?) -> String { Peer.name(peer) }
}

/// The other end of a connection, as limits see it.
enum Peer {
    /// A Unix socket's other end (nil) is on this machine too.
    static func isLoopback(_ address: String?) -> Bool {
        guard let address else { return true }
        return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }

    /// Who an address counts for: an IPv4 address itself, an IPv6 address' network of 64 bits, since one machine has all of it.
    static func name(_ address: String?) -> String {
        guard let address else { return "" }
        if address.hasPrefix("::ffff:"), address.contains(".") { return String(address.dropFirst(7)) }
        guard address.contains(":") else { return address }
        let halves = address.split(separator: "%", maxSplits: 1)[0].split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        let left = halves[0].split(separator: ":").map(String.init)
        let right = halves.count > 1 ? halves[1].split(separator: ":").map(String.init) : []
        let groups = left + Array(repeating: "0", count: max(0, 8 - left.count - right.count)) + right
        return groups.prefix(4).joined(separator: ":") + "::/64"
    }
}

/// The limiter as the routes' layer: inside the one that writes problem documents, outside everything that costs.
struct RateLimitMiddleware: RouterMiddleware {
    let limiter: RateLimiter

    func handle(
        _ request: Request, context: ServingContext, next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        try limiter.admit(peer: context.peer, route: context.endpointPath)
        return try await next(request, context)
    }
}
