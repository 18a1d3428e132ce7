import Jobs
package import Kernels
package import Wire

/// Every rate that was measured on a machine, in the order of measuring.
package struct RateTable: Sendable, Equatable {
    package let rows: [RateRow]
    /// Threads that the CPU's rows used.
    package let threads: Int
    /// Whether it was measured in a hurry: fewer sizes and rounds, and the CPU's libraries not one by one.
    package let isQuick: Bool
    /// What isn't in the table, and why, in sentences.
    package let notes: [String]

    package static let mostRows = 1_024
    package static let mostNotes = 256

    package init(rows: [RateRow], threads: Int, isQuick: Bool, notes: [String] = []) {
        (self.rows, self.threads, self.isQuick) = (Array(rows.prefix(Self.mostRows)), max(1, threads), isQuick)
        self.notes = notes.prefix(Self.mostNotes).map { String(decoding: $0.utf8.prefix(1_000), as: UTF8.self) }
    }

    /// The fastest product in a format on a device, over its backends and sizes.
    ///
    /// - Parameters:
    ///   - device: nil for all.
    ///   - arithmetic: nil for any with these elements.
    package func fastestProduct(_ dtype: DType, device: String? = nil, arithmetic: Arithmetic? = nil) -> RateRow? {
        rows.filter { $0.kind == .gemm && $0.dtype == dtype && (device == nil || $0.device == device) && (arithmetic == nil || $0.arithmetic == arithmetic) }
            .max { $0.perSecond < $1.perSecond }
    }

    /// The fastest of a kind on a device.
    package func fastest(_ kind: RateKind, device: String? = nil, dtype: DType? = nil) -> RateRow? {
        rows.filter { $0.kind == kind && (device == nil || $0.device == device) && (dtype == nil || $0.dtype == dtype) }.max { $0.perSecond < $1.perSecond }
    }

    /// The devices that have rows, in the order of their first.
    package var devices: [String] {
        var seen: [String] = []
        for row in rows where !seen.contains(row.device) { seen.append(row.device) }
        return seen
    }
}

extension RateTable {
    /// Reads a table; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "rates")
        _ = try fields.integer("version", in: 1...1)
        rows = try JSON.map(try fields.array("rows", maxCount: Self.mostRows)) { (item) throws(Problem) in try RateRow(json: item) }
        threads = Int(try fields.integer("threads", in: 1...65_536))
        isQuick = try fields.bool("quick")
        notes = try JSON.map(try fields.array("notes", maxCount: Self.mostNotes)) { (item) throws(Problem) in
            guard let text = item.stringValue, text.utf8.count <= 4_096 else { throw Problem(.wrongType, "a note is a string of at most 4096 bytes") }
            return text
        }
        try fields.finish()
    }

    package var json: JSON {
        [
            "version": 1, "rows": .array(rows.map(\.json)), "threads": .integer(Int64(threads)), "quick": .bool(isQuick),
            "notes": .array(notes.map { .string($0) }),
        ]
    }
}
