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
        /// Row and column of a matrix; of any other tensor row 0 and the element's place in row-major order.
        package let cell: Cell
        /// Bits of the element, in hex digits of its size.
        package let expected: String
        package let found: String

        package init(output: String, cell: Cell, expected: String, found: String) {
            (self.output, self.cell) = (output, cell)
            (self.expected, self.found) = (expected, found)
        }

        /// From the bits of a cell of `tensor`, widened with zeros.
        init(_ tensor: Tensor, _ cell: Cell, expected: UInt64, found: UInt64) {
            let digits = 2 * tensor.dtype.byteCount
            self.init(output: tensor.name, cell: cell, expected: Self.hex(expected, digits), found: Self.hex(found, digits))
        }

        private static func hex(_ bits: UInt64, _ digits: Int) -> String {
            let text = String(bits, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }

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
        /// The largest R_i / T_i of a finite row, for rows within the limit an upper bound of it; 0 where nothing was probed.
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
