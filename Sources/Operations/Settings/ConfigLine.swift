import Wire

/// One line of a config file, taken apart.
struct ConfigLine {
    let name: String
    let value: String

    /// - Returns: nil for a blank line or a comment.
    /// - Throws: `bad_request` for anything else that isn't `name = value`. The message never quotes a value: it might be a secret.
    init?(_ line: Substring, isFirst: Bool) throws(Problem) {
        // What some editors put before a file's first character.
        let line = isFirst && line.unicodeScalars.first == "\u{FEFF}" ? Substring(line.unicodeScalars.dropFirst()) : line
        guard let parts = try Self.parts(line) else { return nil }
        (name, value) = (String(parts.name), String(parts.value))
        guard value.unicodeScalars.allSatisfy(Self.isPlain) else { throw Problem(.badRequest, "the value of \(name.prefix(64)) holds a control character") }
    }

    /// Name and value, and where in the line the value stands with its quotes.
    private static func parts(_ line: Substring) throws(Problem) -> (name: Substring, value: Substring, place: Range<Substring.Index>)? {
        let text = trimmed(line)
        if text.isEmpty || text.hasPrefix("#") { return nil }
        guard let equals = text.firstIndex(of: "=") else { throw Problem(.badRequest, "not name = value") }
        let name = trimmed(text[..<equals])
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
            throw Problem(.badRequest, "what stands before the = is no name: letters, digits and _ alone")
        }
        let rest = text[text.index(after: equals)...]
        let start = rest.firstIndex { !isSpace($0) } ?? rest.endIndex
        let tail = rest[start...]
        if tail.hasPrefix("\"") {
            let first = tail.index(after: tail.startIndex)
            guard let quote = tail[first...].firstIndex(of: "\"") else { throw Problem(.badRequest, "the quote after \(name.prefix(64)) = is not closed") }
            let after = trimmed(tail[tail.index(after: quote)...])
            guard after.isEmpty || after.hasPrefix("#") else { throw Problem(.badRequest, "text after the closing quote of \(name.prefix(64))") }
            return (name, tail[first..<quote], start..<tail.index(after: quote))
        }
        let value = trimmed(tail[..<comment(in: tail)])
        return (name, value, value.startIndex..<value.endIndex)
    }

    /// Where a comment behind a value begins: a `#` at its start or after a space.
    private static func comment(in text: Substring) -> Substring.Index {
        var isAfterSpace = true
        for index in text.indices {
            if text[index] == "#", isAfterSpace { return index }
            isAfterSpace = isSpace(text[index])
        }
        return text.endIndex
    }

    /// The line with another value: indentation, spelling and the comment behind stay.
    static func replacing(_ line: Substring, by value: String) -> Substring {
        guard let parts = (try? parts(line)) ?? nil else { return line }
        // An empty value directly at the = or at a comment wants a space.
        let before = line[..<parts.place.lowerBound]
        let after = line[parts.place.upperBound...]
        let gap = parts.place.isEmpty && before.last == "=" ? " " : ""
        let tail = after.first == "#" ? " " : ""
        return Substring("\(before)\(gap)\(value)\(tail)\(after)")
    }

    /// A value as it is written: in quotes where it needs them. Throws `out_of_range` for one that can't stand on a line.
    static func written(_ value: String, _ key: String) throws(Problem) -> String {
        guard value.unicodeScalars.allSatisfy(isPlain), value.utf8.count <= 4096 else {
            throw Problem(.outOfRange, "the value of \(key) must be one line of at most 4096 bytes without control characters")
        }
        let text = Substring(value)
        let needsQuotes = trimmed(text) != text || value.hasPrefix("\"") || comment(in: text) != text.endIndex
        guard needsQuotes else { return value }
        guard !value.contains("\"") else {
            throw Problem(.outOfRange, "the value of \(key) holds a double quote beside a space or a #, which a config file can't hold")
        }
        return "\"\(value)\""
    }

    /// `#miner_threads = 0`, as `adit config init` writes defaults.
    static func isCommentedDefault(_ line: Substring, of key: String) -> Bool {
        let text = trimmed(line)
        guard text.hasPrefix("#") else { return false }
        let rest = trimmed(text.dropFirst())
        return rest.hasPrefix(key) && trimmed(rest.dropFirst(key.count)).hasPrefix("=")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    private static func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Neither a control character nor one that ends a line in some programs.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x2028 && scalar.value != 0x2029
    }
}
