package import HTTPServing

/// The coordinator's sense of time: Unix milliseconds, and waiting. Tests pass one that they move themselves.
package protocol ServiceClock: Sendable {
    var nowMilliseconds: Int64 { get }
    /// Returns after so long, or throws `CancellationError`.
    func sleep(milliseconds: Int64) async throws
}

extension SystemClock: ServiceClock {
    package func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
}
