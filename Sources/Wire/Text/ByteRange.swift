/// One range of a blob's bytes, as `Range` asks for it (RFC 9110 section 14): `bytes=a-b`, `bytes=a-` or `bytes=-n`.
package struct ByteRange: Sendable, Equatable {
    package let first: Int
    package let last: Int

    package var count: Int { last - first + 1 }

    package enum Request: Sendable, Equatable {
        /// No header, or one that is to be ignored: the whole blob.
        case whole
        case part(ByteRange)
        /// Nothing of the blob is in the range: 416.
        case unsatisfiable
    }

    /// Reads the header for a blob of `byteCount` bytes. Several ranges at once are not served: the whole is sent then.
    package static func read(_ header: String?, byteCount: Int) -> Request {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return .whole }
        let parts = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .whole }
        switch (number(parts[0]), number(parts[1])) {
        case (.some(let first), .some(let last)) where first <= last: return within(first, last, byteCount)
        case (.some(let first), nil) where parts[1].isEmpty: return within(first, Int.max, byteCount)
        case (nil, .some(let suffix)) where parts[0].isEmpty:
            return suffix == 0 ? .unsatisfiable : within(max(0, byteCount - suffix), Int.max, byteCount)
        default: return .whole
        }
    }

    private static func within(_ first: Int, _ last: Int, _ byteCount: Int) -> Request {
        guard first < byteCount else { return .unsatisfiable }
        return .part(ByteRange(first: first, last: min(last, byteCount - 1)))
    }

    /// Decimal digits alone, at most 18 of them.
    private static func number(_ text: Substring) -> Int? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text)
    }
}
