package import Jobs
package import Wire

/// A tier with what decided it, and what the next one wants.
package struct TierVerdict: Sendable, Equatable {
    package enum Figure: String, CaseIterable, Sendable {
        case f32Products = "f32_products"
        case memoryTraffic = "memory_traffic"
        case memory

        /// For people.
        package var name: String {
            switch self {
            case .f32Products: "F32 products"
            case .memoryTraffic: "memory traffic"
            case .memory: "memory for jobs"
            }
        }

        /// A value of it, for people.
        package func text(_ value: Double?) -> String {
            guard let value, value.isFinite else { return "unknown" }
            switch self {
            case .f32Products: return "\(Units.decimal(value / 1e9)) GFLOP/s"
            case .memoryTraffic: return "\(Units.decimal(value / 1e9)) GB/s"
            case .memory: return Units.binary(value)
            }
        }

        /// What an operator can do for more of it.
        package var advice: String {
            switch self {
            case .f32Products: "a GPU, more cores (MINER_THREADS), a quiet machine, or what the costs above give back"
            case .memoryTraffic: "more memory channels in use, or a quiet machine"
            case .memory: "more memory, or a higher MINER_MEMORY_MB or control group limit"
            }
        }
    }

    /// One figure beside what a tier asks of it.
    package struct Comparison: Sendable, Equatable {
        package let figure: Figure
        /// nil: not measured, or unknown.
        package let value: Double?
        package let wanted: Double

        package var isMet: Bool { (value ?? 0) >= wanted }
        /// How much of it there is, in parts of what is wanted; what is unknown counts as nothing.
        package var ratio: Double { (value ?? 0) / wanted }
    }

    package let tier: Tier
    /// The next higher tier; nil at the top.
    package let next: Tier?
    /// The figures that the next tier wants more of, the one that is furthest from it first; empty at the top.
    package let missing: [Comparison]
    /// The figure that decided: what keeps the next tier away or, at the top, the one nearest to its limit. nil where nothing was asked.
    package let decisive: Comparison?

    /// - Parameters: measured figures; nil stands for what isn't known.
    package init(f32FlopsPerSecond: Double?, memoryBytesPerSecond: Double?, memoryBytes: Int64?) {
        let values: [Figure: Double?] = [
            .f32Products: f32FlopsPerSecond, .memoryTraffic: memoryBytesPerSecond, .memory: memoryBytes.map { Double($0) },
        ]
        func comparisons(_ limits: TierPolicy.Limits) -> [Comparison] {
            let wanted: [Figure: Double] = [
                .f32Products: limits.f32FlopsPerSecond, .memoryTraffic: limits.memoryBytesPerSecond, .memory: Double(limits.memoryBytes),
            ]
            // Not a number is as good as unknown.
            return Figure.allCases.map { figure in
                Comparison(figure: figure, value: (values[figure] ?? nil).flatMap { $0.isNaN ? nil : $0 }, wanted: wanted[figure] ?? 0)
            }
        }
        let table = TierPolicy.table
        let found = TierPolicy.tier(f32FlopsPerSecond: f32FlopsPerSecond, memoryBytesPerSecond: memoryBytesPerSecond, memoryBytes: memoryBytes)
        let place = table.firstIndex { $0.tier == found } ?? table.count - 1
        tier = table[place].tier
        next = place > 0 ? table[place - 1].tier : nil
        missing = place > 0 ? comparisons(table[place - 1]).filter { !$0.isMet }.sorted { $0.ratio < $1.ratio } : []
        decisive = missing.first ?? comparisons(table[place]).filter { $0.wanted > 0 }.min { $0.ratio < $1.ratio }
    }

    /// Why, in sentences for people: what decided, and what the next tier wants.
    package var sentences: [String] {
        guard let next else {
            guard let decisive else { return ["the highest tier"] }
            let text =
                "\(decisive.figure.text(decisive.value)), \(Units.decimal(decisive.ratio)) times what it takes (\(decisive.figure.text(decisive.wanted)))"
            return ["the highest tier; nearest to its limit: \(decisive.figure.name), \(text)"]
        }
        let reason = TierPolicy.table.first { $0.tier == next }?.reason
        return missing.map { "\($0.figure.name): \($0.figure.text($0.value)); \(next.rawValue) wants \($0.figure.text($0.wanted))" }
            + ["\(next.rawValue) wants that for: \(reason ?? "")"] + missing.map { "for more \($0.figure.name): \($0.figure.advice)" }
    }

    package var json: JSON {
        func comparison(_ comparison: Comparison) -> JSON {
            [
                "figure": .string(comparison.figure.rawValue), "value": comparison.value.map { .real($0) } ?? .null, "wanted": .real(comparison.wanted),
            ]
        }
        return [
            "tier": .string(tier.rawValue), "decisive": decisive.map(comparison) ?? .null, "next": next.map { .string($0.rawValue) } ?? .null,
            "missing": .array(missing.map(comparison)), "reasons": .array(sentences.map { .string($0) }),
        ]
    }
}
