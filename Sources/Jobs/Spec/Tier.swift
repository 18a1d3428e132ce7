package import Wire

/// How much work a worker can carry, lowest first.
///
/// A tier follows from what was measured on the worker, never from a device's name.
package enum Tier: String, CaseIterable, Sendable, Comparable {
    case feedback, inference, aggregator, trainer

    package static func < (left: Tier, right: Tier) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .feedback: 0
        case .inference: 1
        case .aggregator: 2
        case .trainer: 3
        }
    }

    /// Reads a tier's name; `out_of_range` for any other word.
    package init(name: String) throws(Problem) {
        guard let tier = Tier(rawValue: name) else {
            throw Problem(.outOfRange, "a tier is one of \(Tier.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = tier
    }
}
