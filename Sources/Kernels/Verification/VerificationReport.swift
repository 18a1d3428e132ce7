package import Wire

/// What a check found, and how much of the output it had to compute again.
package struct VerificationReport: Sendable, Equatable {
    package let verification: VerificationClass
    /// nil: accepted.
    package let refusal: Refusal?
    package let effort: Effort

    package init(_ verification: VerificationClass, refusal: Refusal?, effort: Effort) {
        self.verification = verification
        self.refusal = refusal
        self.effort = effort
    }

    package var isAccepted: Bool { refusal == nil }

    /// One cell that is wrong by the plain definition: enough for anybody to see it.
    package struct Refusal: Sendable, Equatable {
        package let output: String
        package let cell: Cell
        /// Bits of the element, in hex digits of its size.
        package let expected: String
        package let found: String

        /// In words, for the miner and the log.
        package var reason: String { "\(output)[\(cell.row), \(cell.column)] is 0x\(found), should be 0x\(expected)" }

        var json: JSON {
            [
                "output": .string(output), "row": .integer(Int64(cell.row)), "column": .integer(Int64(cell.column)),
                "expected": .string(expected), "found": .string(found),
            ]
        }
    }

    /// Work of the check beyond its linear passes.
    package struct Effort: Sendable, Equatable {
        /// Cells recomputed one by one, secret ones and those of non-finite columns.
        package var cells = 0
        /// Rows recomputed whole.
        package var rows = 0
        /// Rows whose probe spoke; more than `rows` only where there were too many to recompute.
        package var suspiciousRows = 0
        /// The largest R_i / T_i of a finite row; 0 where nothing was probed.
        package var worstRatio = 0.0

        package init() {}
    }

    /// For the verification record. Reals are strings, the shortest that read back the same.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("verification", verification.json), ("verdict", isAccepted ? "accepted" : "refused"), ("cells_recomputed", .integer(Int64(effort.cells))),
            ("rows_recomputed", .integer(Int64(effort.rows))), ("suspicious_rows", .integer(Int64(effort.suspiciousRows))),
            ("worst_ratio", .string("\(effort.worstRatio)")),
        ]
        if let refusal {
            members.append(("wrong_cell", refusal.json))
        }
        return .object(JSONObject(distinct: members))
    }
}
