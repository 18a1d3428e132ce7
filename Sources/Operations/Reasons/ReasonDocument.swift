package import Jobs

/// The reasons as people read them.
package enum ReasonDocument {
    package static func title(_ kind: WorkReason.Kind) -> String {
        switch kind {
        case .noWork: "No work"
        case .paused: "Paused"
        case .throttled: "Slowed down"
        case .rejected: "Rejected"
        case .unpaid: "Not paid yet"
        case .quarantined: "A device left alone"
        }
    }

    /// The tables of docs/OPERATORS.md.
    package static var tables: String {
        WorkReason.Kind.allCases.map { kind in
            let rows = WorkReason.allCases.filter { $0.kind == kind }.map { "| `\($0.rawValue)` | \($0.meaning) | \($0.remedy) |" }
            return "**\(title(kind))**\n\n| code | meaning | what to do |\n| --- | --- | --- |\n" + rows.joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }
}
