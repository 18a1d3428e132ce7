import Kernels

/// What was measured of one subject: a rate and a peak for each round.
struct RateSamples {
    /// Where the backend chose among several: the one that did the last run.
    var member: String?
    /// Nil where there is no peak.
    let peakName: String?
    /// Per second, of the round's best run; a peak of 0 is none.
    var rounds: [(rate: Double, peak: Double)] = []

    init(member: String? = nil, peakName: String?, rounds: [(rate: Double, peak: Double)] = []) {
        (self.member, self.peakName, self.rounds) = (member, peakName, rounds)
    }

    /// With those of a later pass.
    func merging(_ later: RateSamples) -> RateSamples { RateSamples(member: later.member, peakName: peakName, rounds: rounds + later.rounds) }

    var fastest: Double { rounds.map(\.rate).max() ?? 0 }

    func row(_ subject: RateSubject) -> RateRow {
        let isKnown = peakName != nil && rounds.allSatisfy { $0.peak > 0 }
        let quiet = Self.quietest(isKnown ? rounds : rounds.map { ($0.rate, $0.rate) })
        let all = rounds.map { isKnown ? $0.rate / $0.peak : $0.rate }
        return RateRow(
            device: subject.device, backend: subject.backend, member: member, kind: subject.kind, arithmetic: subject.arithmetic, size: subject.size,
            perSecond: Self.whole(Self.median(quiet.map(\.rate))), peakPerSecond: isKnown ? Self.whole(Self.median(quiet.map(\.peak))) : nil,
            peakName: isKnown ? peakName : nil, shareMillionths: isKnown ? Self.millionths(Self.median(quiet.map { $0.rate / $0.peak })) : nil,
            rounds: max(1, rounds.count), spreadMillionths: Self.millionths(Self.spread(all)), work: subject.work, trafficBytes: subject.trafficBytes)
    }

    /// The rounds, at least a third of them, in which nobody seems to have disturbed either side.
    static func quietest(_ rounds: [(rate: Double, peak: Double)]) -> [(rate: Double, peak: Double)] {
        let fastest = max(rounds.map(\.rate).max() ?? 0, .leastNormalMagnitude), highest = max(rounds.map(\.peak).max() ?? 0, .leastNormalMagnitude)
        let sorted = rounds.sorted { min($0.rate / fastest, $0.peak / highest) > min($1.rate / fastest, $1.peak / highest) }
        return Array(sorted.prefix((sorted.count + 2) / 3))
    }

    /// The middle one, or the mean of the middle two; 0 of none.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// Largest less smallest over the median.
    static func spread(_ values: [Double]) -> Double {
        guard let most = values.max(), let least = values.min(), median(values) > 0 else { return 0 }
        return (most - least) / median(values)
    }

    private static func whole(_ rate: Double) -> Int64 { Int64(exactly: min(max(rate, 0), 9e15).rounded()) ?? 0 }
    private static func millionths(_ share: Double) -> Int64 { Int64(exactly: min(max(share, 0) * 1e6, 1e9).rounded()) ?? 0 }
}
