@testable import HTTPServing
import ChainClient
import Testing
import Wire

/// Token buckets, and what a caller meets who asks too much.
struct RateLimitTests {
    private let start = ContinuousClock.now

    @Test func aBucketHoldsABurstAndRefills() throws {
        let buckets = TokenBuckets(Rate(perSecond: 10, burst: 3), remembered: 100)
        for _ in 0..<3 { #expect(buckets.take("a", now: start) == nil) }
        let wait = try #require(buckets.take("a", now: start))
        #expect(wait > .milliseconds(99) && wait < .milliseconds(101))
        #expect(buckets.take("b", now: start) == nil)
        #expect(buckets.take("a", now: start + .milliseconds(101)) == nil)
        #expect(buckets.take("a", now: start + .milliseconds(102)) != nil)
        // A long pause fills it to its burst and no further.
        for _ in 0..<3 { #expect(buckets.take("a", now: start + .seconds(3600)) == nil) }
        #expect(buckets.take("a", now: start + .seconds(3600)) != nil)
        // A time before the last one gives nothing.
        #expect(buckets.take("a", now: start) != nil)
    }

    @Test func callersAreForgottenBeforeMemoryGrows() {
        let buckets = TokenBuckets(Rate(perSecond: 1, burst: 1), remembered: 1000)
        for index in 0..<100_000 {
            _ = buckets.take("flood \(index)", now: start)
            // One who stays is remembered, and stays limited, through any flood of others.
            let stayed = buckets.take("stays", now: start)
            #expect((stayed == nil) == (index == 0))
        }
        #expect(buckets.count <= 1000)
    }

    @Test func anIPv6NetworkIsOneCaller() {
        #expect(Peer.name("192.0.2.7") == "192.0.2.7")
        #expect(Peer.name("2001:db8:1:2:3:4:5:6") == Peer.name("2001:db8:1:2::9"))
        #expect(Peer.name("2001:db8:1:2::9") != Peer.name("2001:db8:1:3::9"))
        #expect(Peer.name("2001:db8::") == "2001:db8:0:0::/64")
        #expect(Peer.name("fe80::1%eth0") == "fe80:0:0:0::/64")
        #expect(Peer.name("::ffff:192.0.2.7") == "192.0.2.7")
        for address in [nil, "127.0.0.1", "::1", "::ffff:127.0.0.1"] { #expect(Peer.isLoopback(address)) }
        for address in ["192.0.2.7", "::", "::2", "128.0.0.1"] { #expect(!Peer.isLoopback(address)) }
    }

    @Test func aSignedRequestCountsForItsKeyAlone() throws {
        var limits = RateLimits()
        limits.address = Rate(perSecond: 0.01, burst: 2)
        limits.key = Rate(perSecond: 0.01, burst: 5)
        let limiter = RateLimiter(limits) { [start] in start }
        for _ in 0..<5 {
            try limiter.admit(peer: "192.0.2.7", route: "/tasks")
            try limiter.charge(key: "ait1a", peer: "192.0.2.7")
        }
        try limiter.admit(peer: "192.0.2.7", route: "/tasks")
        #expect(throws: RateLimited.self) { try limiter.charge(key: "ait1a", peer: "192.0.2.7") }
        try limiter.charge(key: "ait1b", peer: "192.0.2.7")
        // Unsigned ones use the address up; its probes go on.
        for _ in 0..<2 { try limiter.admit(peer: "192.0.2.7", route: "/tasks") }
        #expect(throws: RateLimited.self) { try limiter.admit(peer: "192.0.2.7", route: "/tasks") }
        try limiter.admit(peer: "192.0.2.7", route: "/health")
        try limiter.admit(peer: "192.0.2.8", route: "/tasks")
    }

    @Test func aRefusalSaysWhenToComeBack() async throws {
        var limits = RateLimits()
        limits.loopback = Rate(perSecond: 0.2, burst: 3)
        // No time passes for the limiter, however long the requests take.
        let server = TestServer(limiter: RateLimiter(limits) { [start] in start }) { routes in
            routes.get("/thing") { _, _ in .json([:]) }
            routes.get("/health") { _, _ in .json([:]) }
        }
        try await server.run { base, http in
            for _ in 0..<3 { #expect(try await http.send(HTTPRequest(.get, base, path: "/thing")).status == 200) }
            let refused = try await http.send(HTTPRequest(.get, base, path: "/thing"))
            #expect(refused.status == 429 && refused.problem.code == .rateLimited)
            #expect(refused.head["content-type"] == "application/problem+json")
            let wait = try #require(refused.head["retry-after"].flatMap { Int($0) })
            #expect(wait == 5)
            #expect(try await http.send(HTTPRequest(.get, base, path: "/health")).status == 200)
        }
    }
}
