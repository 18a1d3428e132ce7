package import Wire

/// A lease given back: `POST /leases/{id}/fail`.
package struct LeaseFailure: Sendable, Equatable {
    package let fence: Int64
    /// One of the reasons that a worker may give.
    package let reason: Reason
    /// For people; up to 512 bytes.
    package let detail: String

    /// The detail as it may be shown on a terminal: printable ASCII, at most 200 characters.
    package var printable: String { String(decoding: detail.utf8.prefix(200).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self) }

    package init(fence: Int64, reason: Reason, detail: String) {
        self.fence = fence
        self.reason = reason
        self.detail = detail
    }

    /// Reads `{"fence", "reason", "detail"?}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease failure")
        fence = try fields.integer("fence", in: 1...JSON.maxInteger)
        reason = try Reason(name: try fields.string("reason", maxBytes: 64))
        guard reason.isWorkers else { throw Problem(.outOfRange, "\(reason.rawValue) is not a worker's reason") }
        detail = try fields.optionalString("detail", maxBytes: 512) ?? ""
        try fields.finish()
    }

    package var json: JSON {
        .members([("fence", .integer(fence)), ("reason", .string(reason.rawValue)), ("detail", .string(detail))])
    }
}
