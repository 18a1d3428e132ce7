extension JSON {
    /// Reads one document, refusing everything that two readers could see differently.
    ///
    /// Refused: anything RFC 8259 refuses; a byte-order mark, invalid UTF-8, lone surrogates, duplicate keys, nesting over 64.
    /// Without `reals` also every number that isn't an integer in 0 … 2^53−1, in the plainest notation.
    /// - Parameter reals: reads fractions, signs and exponents as binary64; for unsigned documents only.
    package static func parse(_ bytes: [UInt8], reals: Bool = false) throws(Problem) -> JSON {
        var parser = JSONParser(bytes: bytes, reals: reals)
        return try parser.document()
    }

    package static func parse(_ text: String, reals: Bool = false) throws(Problem) -> JSON {
        try parse(Array(text.utf8), reals: reals)
    }
}

/// A recursive-descent reader whose depth is bounded by `JSON.maxDepth`.
private struct JSONParser {
    let bytes: [UInt8]
    let reals: Bool
    var position = 0

    init(bytes: [UInt8], reals: Bool) {
        self.bytes = bytes
        self.reals = reals
    }

    mutating func document() throws(Problem) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw bad("a byte-order mark") }
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw bad("text after the document") }
        return value
    }

    func bad(_ what: String) -> Problem { Problem(.badJSON, "\(what) at byte \(position)") }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func value(depth: Int) throws(Problem) -> JSON {
        guard depth <= JSON.maxDepth else { throw bad("nesting deeper than \(JSON.maxDepth)") }
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw bad("the document ends too early")
        default: return try number()
        }
    }

    mutating func word(_ text: String, _ value: JSON) throws(Problem) -> JSON {
        guard bytes[position...].starts(with: text.utf8) else { throw bad("an unknown word") }
        position += text.utf8.count
        return value
    }

    mutating func object(depth: Int) throws(Problem) -> JSON {
        guard depth <= JSON.maxDepth else { throw bad("nesting deeper than \(JSON.maxDepth)") }
        position += 1
        var members: [(String, JSON)] = []
        skipSpace()
        if current == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject(distinct: []))
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw bad("a key is missing") }
            let key = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else { throw bad("a colon is missing") }
            position += 1
            skipSpace()
            members.append((key, try value(depth: depth)))
            skipSpace()
            if try !more(closing: UInt8(ascii: "}")) { return .object(try JSONObject(members)) }
        }
    }

    mutating func array(depth: Int) throws(Problem) -> JSON {
        guard depth <= JSON.maxDepth else { throw bad("nesting deeper than \(JSON.maxDepth)") }
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if current == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth))
            skipSpace()
            if try !more(closing: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    /// Consumes a comma (true) or the closing bracket (false).
    mutating func more(closing: UInt8) throws(Problem) -> Bool {
        switch current {
        case UInt8(ascii: ","):
            position += 1
            return true
        case closing:
            position += 1
            return false
        default: throw bad("a comma or a closing bracket is missing")
        }
    }

    mutating func number() throws(Problem) -> JSON {
        let start = position
        while let byte = current, isNumberByte(byte) { position += 1 }
        let token = bytes[start..<position]
        guard !token.isEmpty else { throw bad("an unexpected character") }
        if token.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), token.count == 1 || token.first != 0x30 {
            if token.count <= 16, let value = Int64(String(decoding: token, as: UTF8.self)), value <= JSON.maxInteger { return .integer(value) }
            guard reals else { throw Problem(.notAnInteger, "a number over 2^53-1 at byte \(start)") }
        }
        guard Self.isNumber(Array(token)) else {
            throw Problem(reals ? .badJSON : .notAnInteger, "not a number at byte \(start)")
        }
        guard reals else { throw Problem(.notAnInteger, "only integers in 0...2^53-1 are read, at byte \(start)") }
        guard let value = Double(String(decoding: token, as: UTF8.self)), value.isFinite else {
            throw Problem(.outOfRange, "a number beyond binary64 at byte \(start)")
        }
        return .real(value)
    }

    func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
        default: false
        }
    }

    /// The number grammar of RFC 8259 section 6.
    static func isNumber(_ token: [UInt8]) -> Bool {
        var rest = token[...]
        func digits() -> Int {
            let run = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(run)
            return run
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadingZero = rest.first == 0x30
        let whole = digits()
        guard whole == 1 || (whole > 1 && !leadingZero) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

extension JSONParser {
    mutating func string() throws(Problem) -> String {
        position += 1
        // Up to the first escape, which few strings have, it is as it stands.
        var end = position
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20 { end += 1 }
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            let text = bytes[position..<end]
            position = end + 1
            guard let valid = String(validating: text, as: UTF8.self) else { throw bad("invalid UTF-8 in the string that ends") }
            return valid
        }
        var text = Array(bytes[position..<end])
        position = end
        while true {
            guard let byte = current else { throw bad("a string without an end") }
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let valid = String(validating: text, as: UTF8.self) else { throw bad("invalid UTF-8 in the string that ends") }
                return valid
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0..<0x20: throw bad("a control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
    }

    mutating func escape(into text: inout [UInt8]) throws(Problem) {
        guard let byte = current else { throw bad("a string without an end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try unicodeEscape())).utf8)
        default: throw bad("an unknown escape")
        }
    }

    /// One scalar from `\uXXXX`, or from a surrogate pair of them.
    mutating func unicodeEscape() throws(Problem) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        guard first < 0xDC00, current == UInt8(ascii: "\\") else { throw bad("a lone surrogate") }
        position += 1
        guard current == UInt8(ascii: "u") else { throw bad("a lone surrogate") }
        position += 1
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second) else { throw bad("a lone surrogate") }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw bad("a lone surrogate") }
        return scalar
    }

    mutating func codeUnit() throws(Problem) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Hex.value(of: byte, upperCase: true) else { throw bad("a short \\u escape") }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
