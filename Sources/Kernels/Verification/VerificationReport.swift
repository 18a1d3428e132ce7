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

    /// One cell that is wrong by the plain definition, or where a rule that no right output breaks shows most: enough for anybody to see it.
    package struct Refusal: Sendable, Equatable {
        package let output: String
        /// Row and column of a matrix, rows of a batch counted through; of any other tensor row 0 and the element's place in row-major order.
        package let cell: Cell
        /// Bits of the element, in hex digits of its size; nil where no one element is to blame. With a finding, about what was expected.
        package let expected: String?
        package let found: String?
        /// The rule that the output breaks, where no single bit decides.
        package let finding: Finding?

        package init(output: String, cell: Cell, expected: String? = nil, found: String? = nil, finding: Finding? = nil) {
            (self.output, self.cell) = (output, cell)
            (self.expected, self.found, self.finding) = (expected, found, finding)
        }

        /// From the bits of a cell of `tensor`, widened with zeros.
        init(_ tensor: Tensor, _ cell: Cell, expected: UInt64, found: UInt64, finding: Finding? = nil) {
            let digits = 2 * tensor.dtype.byteCount
            self.init(output: tensor.name, cell: cell, expected: Self.hex(expected, digits), found: Self.hex(found, digits), finding: finding)
        }

        private static func hex(_ bits: UInt64, _ digits: Int) -> String {
            let text = String(bits, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }

        /// In words, for the miner and the log.
        package var reason: String {
            let place = "\(output)[\(cell.row), \(cell.column)]"
            guard let finding else { return "\(place) is 0x\(found ?? "?"), should be 0x\(expected ?? "?")" }
            let bits = found.flatMap { found in expected.map { " (0x\(found), about 0x\($0) was expected)" } } ?? ""
            return "\(finding.rule) is \(finding.value) where at most \(finding.limit) is admitted, most at \(place)\(bits)"
        }

        var json: JSON {
            var members: [(String, JSON)] = [("output", .string(output)), ("row", .integer(Int64(cell.row))), ("column", .integer(Int64(cell.column)))]
            if let expected { members.append(("expected", .string(expected))) }
            if let found { members.append(("found", .string(found))) }
            if let finding {
                members += [("rule", .string(finding.rule)), ("value", .string("\(finding.value)")), ("limit", .string("\(finding.limit)"))]
            }
            return .object(JSONObject(distinct: members))
        }
    }

    /// A number that a right output keeps within a limit.
    package struct Finding: Sendable, Equatable {
        /// What was measured, in words, such as `row error` or `trace of tf32`.
        package let rule: String
        /// NaN where something wasn't a number.
        package let value: Double
        package let limit: Double

        package init(rule: String, value: Double, limit: Double) { (self.rule, self.value, self.limit) = (rule, value, limit) }

        /// By bits, so that NaN equals itself.
        package static func == (left: Finding, right: Finding) -> Bool {
            left.rule == right.rule && left.value.bitPattern == right.value.bitPattern && left.limit.bitPattern == right.limit.bitPattern
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
        /// The root mean square of R_i / T_i over all rows, or an upper bound of it; 0 where it isn't asked for (*numeric* only).
        package var rmsRatio = 0.0
        /// The largest trace of a lower precision, β of the filters; 0 where none was asked.
        package var largestTrace = 0.0
        /// Whether rows were summed again to decide (*numeric* only).
        package var isSecondLook = false
        /// Parts computed again, in the unit of the class (*sampled* only).
        package var parts = 0

        package init() {}
    }

    /// For the verification record. Reals are strings, the shortest that read back the same.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("verification", verification.json), ("verdict", isAccepted ? "accepted" : "refused"), ("cells_recomputed", .integer(Int64(effort.cells))),
            ("rows_recomputed", .integer(Int64(effort.rows))), ("suspicious_rows", .integer(Int64(effort.suspiciousRows))),
            ("worst_ratio", .string("\(effort.worstRatio)")),
        ]
        switch verification {
        case .numeric:
            members += [
                ("rms_ratio", .string("\(effort.rmsRatio)")), ("largest_trace", .string("\(effort.largestTrace)")), ("second_look", .bool(effort.isSecondLook)),
            ]
        case .sampled: members.append(("parts_recomputed", .integer(Int64(effort.parts))))
        default: break
        }
        if let refusal {
            members.append(("wrong_cell", refusal.json))
        }
        return .object(JSONObject(distinct: members))
    }
}
