/// Which bytes of a blob a body holds: `bytes FIRST-LAST/TOTAL` (RFC 9110 section 14.4).
package struct ContentRange: Sendable, Equatable {
    package let first: Int
    package let last: Int
    package let total: Int

    package var count: Int { last - first + 1 }

    /// As the header says it.
    package var text: String { "bytes \(first)-\(last)/\(total)" }

    /// Throws `bad_request` for bytes that are not in the blob, and for a range that does not begin and end between leaves.
    package init(first: Int, last: Int, total: Int) throws(Problem) {
        guard 0 <= first, first <= last, last < total else { throw Self.malformed }
        guard first % TensorRoot.leafSize == 0, last + 1 == total || (last + 1) % TensorRoot.leafSize == 0 else {
            throw Problem(.badRequest, "a range begins at a multiple of \(TensorRoot.leafSize) bytes and ends before one, or with the blob")
        }
        (self.first, self.last, self.total) = (first, last, total)
    }

    /// Reads the header's value. Throws `bad_request` for anything else than such a range.
    package init(_ text: String) throws(Problem) {
        let parts = text.hasPrefix("bytes ") ? text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false) : []
        let ends = parts.first?.split(separator: "-", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), let total = Self.number(parts[1])
        else { throw Self.malformed }
        try self.init(first: first, last: last, total: total)
    }

    private static var malformed: Problem { Problem(.badRequest, "Content-Range is \"bytes FIRST-LAST/TOTAL\"") }

    private static func number(_ text: Substring) -> Int? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
