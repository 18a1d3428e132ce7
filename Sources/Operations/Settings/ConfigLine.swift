import Wire

/// One line of a config file, taken apart: by Unicode scalars, since as a character a quote or a space is another one with an accent behind it.
struct ConfigLine {
    private typealias Scalars = Substring.UnicodeScalarView

    let name: String
    let value: String

    /// - Returns: nil for a blank line or a comment.
    /// - Throws: `bad_request` for anything else that isn't `name = value`. The message never quotes a value: it might be a secret.
    init?(_ line: Substring, isFirst: Bool) throws(Problem) {
        guard let parts = try Self.parts(line, isFirst: isFirst) else { return nil }
        (name, value) = (String(parts.name), String(parts.value))
        guard value.unicodeScalars.allSatisfy(Self.isPlain) else { throw Problem(.badRequest, "the value of \(name.prefix(64)) holds a control character") }
    }

    /// Name and value, and where in the line the value stands with its quotes.
    private static func parts(_ line: Substring, isFirst: Bool) throws(Problem) -> (name: Substring, value: Substring, place: Range<Substring.Index>)? {
        // What some editors put before a file's first character.
        let isMarked = isFirst && line.unicodeScalars.first == "\u{FEFF}"
        let text = trimmed(line.unicodeScalars.dropFirst(isMarked ? 1 : 0))
        if text.isEmpty || text.first == "#" { return nil }
        guard let equals = text.firstIndex(of: "=") else { throw Problem(.badRequest, "not name = value") }
        let name = Substring(trimmed(text[..<equals]))
        guard !name.isEmpty, name.unicodeScalars.allSatisfy(isOfName) else {
            throw Problem(.badRequest, "what stands before the = is no name: letters, digits and _ alone")
        }
        let rest = text[text.index(after: equals)...]
        let start = rest.firstIndex { !isSpace($0) } ?? rest.endIndex
        let tail = rest[start...]
        if tail.first == "\"" {
            let first = tail.index(after: tail.startIndex)
            guard let quote = tail[first...].firstIndex(of: "\"") else { throw Problem(.badRequest, "the quote after \(name.prefix(64)) = is not closed") }
            let after = trimmed(tail[tail.index(after: quote)...])
            guard after.isEmpty || after.first == "#" else { throw Problem(.badRequest, "text after the closing quote of \(name.prefix(64))") }
            return (name, Substring(tail[first..<quote]), start..<tail.index(after: quote))
        }
        let value = trimmed(tail[..<comment(in: tail)])
        return (name, Substring(value), value.startIndex..<value.endIndex)
    }

    /// Where a comment behind a value begins: a `#` at its start or after a space.
    private static func comment(in text: Scalars) -> Substring.Index {
        var isAfterSpace = true
        for index in text.indices {
            if text[index] == "#", isAfterSpace { return index }
            isAfterSpace = isSpace(text[index])
        }
        return text.endIndex
    }

    /// The line with another value: indentation, spelling and the comment behind stay.
    static func replacing(_ line: Substring, by value: String, isFirst: Bool) -> Substring {
        guard let parts = (try? parts(line, isFirst: isFirst)) ?? nil else { return line }
        // An empty value directly at the = or at a comment wants a space.
        let before = line[..<parts.place.lowerBound]
        let after = line[parts.place.upperBound...]
        let gap = parts.place.isEmpty && before.unicodeScalars.last == "=" ? " " : ""
        let tail = after.unicodeScalars.first == "#" ? " " : ""
        return Substring("\(before)\(gap)\(value)\(tail)\(after)")
    }

    /// A value as it is written: in quotes where it needs them. Throws `out_of_range` for one that can't stand on a line.
    static func written(_ value: String, _ key: String) throws(Problem) -> String {
        guard value.unicodeScalars.allSatisfy(isPlain), value.utf8.count <= 4096 else {
            throw Problem(.outOfRange, "the value of \(key) must be one line of at most 4096 bytes without control characters")
        }
        let text = Substring(value).unicodeScalars
        let needsQuotes = trimmed(text).count != text.count || text.first == "\"" || comment(in: text) != text.endIndex
        guard needsQuotes else { return value }
        guard !text.contains("\"") else {
            throw Problem(.outOfRange, "the value of \(key) holds a double quote beside a space or a #, which a config file can't hold")
        }
        return "\"\(value)\""
    }

    /// `#miner_threads = 0`, as `adit config init` writes defaults.
    static func isCommentedDefault(_ line: Substring, of key: String) -> Bool {
        let text = trimmed(line.unicodeScalars)
        guard text.first == "#" else { return false }
        let rest = trimmed(text.dropFirst())
        return rest.starts(with: key.unicodeScalars) && trimmed(rest.dropFirst(key.unicodeScalars.count)).first == "="
    }

    private static func trimmed(_ text: Scalars) -> Scalars {
        var text = text
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\r" }

    private static func isOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    /// Neither a control character nor one that ends a line in some programs.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x2028 && scalar.value != 0x2029
    }
}
