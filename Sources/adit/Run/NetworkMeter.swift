import ChainClient
import Foundation
import Profiler
import Wire

/// How far away a coordinator is, and how fast: a handful of small requests, at most a few seconds.
enum NetworkMeter {
    private static let requests = 7
    /// Below it an answer comes in the first packets, and its time says nothing about speed: TCP begins with about 14 KiB.
    private static let telling = 64 << 10
    private static let limits = HTTPLimits(connect: .seconds(3), total: .seconds(3), answerBytes: 8 << 20)

    /// The median round trip on an open connection, and the speed of the largest public answer (`/metrics`) where that is large enough to tell.
    ///
    /// - Throws: `transport_failed`, `timeout` or the coordinator's own problem.
    static func measure(_ coordinator: BaseURL) async throws(Problem) -> NetworkInventory.Measured {
        let http = try HTTPClient(maxConnections: 1)
        defer { http.close() }
        let clock = ContinuousClock()
        func time(_ path: String) async throws(Problem) -> (seconds: Double, bytes: Int) {
            let start = clock.now
            let answer = try await http.send(HTTPRequest(.get, coordinator, path: path, limits: limits))
            try answer.checked()
            return ((clock.now - start).seconds, answer.body.count)
        }
        // The first one opens the connection.
        _ = try await time("/health")
        var trips: [Double] = []
        for _ in 0..<requests { trips.append(try await time("/health").seconds) }
        let trip = trips.sorted()[requests / 2]
        let large = try? await time("/metrics")
        let speed = large.flatMap { large in large.bytes >= telling && large.seconds > 2 * trip ? Double(large.bytes) / (large.seconds - trip) : nil }
        return NetworkInventory.Measured(
            coordinator: coordinator.description, roundTripMilliseconds: trip * 1e3, requests: requests, bytesPerSecond: speed)
    }
}
