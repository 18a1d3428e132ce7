/// The first tier of a worker, from measured figures alone; no name of a device is ever looked at.
///
/// A worker gets the highest tier all of whose limits it meets; a figure that couldn't be measured meets none. It is a claim: the coordinator
/// challenges it, and goes by verified work from then on.
package enum TierPolicy {
    /// What a tier asks for.
    package struct Limits: Sendable, Equatable {
        package let tier: Tier
        /// F32 multiply and add operations per second in a reproducible GEMM on all threads.
        package let f32FlopsPerSecond: Double
        /// Memory traffic on all threads.
        package let memoryBytesPerSecond: Double
        /// Memory that jobs may use.
        package let memoryBytes: Int64
        /// Why so much, for people.
        package let reason: String
    }

    /// Highest first. The numbers are for one job at a time:
    /// - trainer: 6 operations for each weight and sample make 10^13 for 10^6 samples through a 1.7·10^6-weight network: under two minutes
    ///   at 100 GFLOP/s. Optimiser state and activations want memory, their updates bandwidth.
    /// - aggregator: sums updates, one operation for each 12 bytes moved: bandwidth is all. At 8 GB/s a GiB of weights from eight workers
    ///   takes about two seconds, and they are held at once.
    /// - inference: a batch of 256 through a 2048×2048 layer is 2.1 GFLOP, in 0.1 s at 20 GFLOP/s; the layers have to fit.
    /// - feedback: small checks and ratings, which any machine can do.
    package static let table = [
        Limits(
            tier: .trainer, f32FlopsPerSecond: 100e9, memoryBytesPerSecond: 8e9, memoryBytes: 8 << 30,
            reason: "a million samples through a network of 1.7 million weights in under two minutes; optimiser state and activations fit"),
        Limits(
            tier: .aggregator, f32FlopsPerSecond: 20e9, memoryBytesPerSecond: 8e9, memoryBytes: 8 << 30,
            reason: "a GiB of weights from each of eight workers summed in about two seconds, all held at once"),
        Limits(
            tier: .inference, f32FlopsPerSecond: 20e9, memoryBytesPerSecond: 0, memoryBytes: 2 << 30,
            reason: "a batch of 256 through a layer of 2048 × 2048 in a tenth of a second; the layers fit"),
        Limits(tier: .feedback, f32FlopsPerSecond: 0, memoryBytesPerSecond: 0, memoryBytes: 0, reason: "small checks and ratings: any machine"),
    ]

    /// The tier of a worker with these figures; nil stands for what isn't known.
    package static func tier(f32FlopsPerSecond: Double?, memoryBytesPerSecond: Double?, memoryBytes: Int64?) -> Tier {
        let fits = table.first {
            (f32FlopsPerSecond ?? 0) >= $0.f32FlopsPerSecond && (memoryBytesPerSecond ?? 0) >= $0.memoryBytesPerSecond && (memoryBytes ?? 0) >= $0.memoryBytes
        }
        return fits?.tier ?? .feedback
    }
}
