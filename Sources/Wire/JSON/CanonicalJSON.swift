extension JSON {
    /// The RFC 8785 form: members by UTF-16 order, no white space, the shortest escapes.
    package var canonicalBytes: [UInt8] {
        var out: [UInt8] = []
        // Most documents are quotes, receipts and transactions.
        out.reserveCapacity(1024)
        write(to: &out)
        return out
    }

    package var canonicalString: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// SHA-256 of the canonical form.
    package var canonicalDigest: Digest { SHA256.hash(canonicalBytes) }

    /// Appends the canonical form.
    package func write(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): Self.write(value, to: &out)
        case .real(let value): out.append(contentsOf: Self.shortest(value).utf8)
        case .string(let value): Self.write(value, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                element.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object):
            out.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ number: Int64, to out: inout [UInt8]) {
        guard (0..<10).contains(number) else { return out.append(contentsOf: String(number).utf8) }
        out.append(UInt8(ascii: "0") + UInt8(number))
    }

    /// Appends a string with its quotes.
    package static func write(_ string: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        defer { out.append(UInt8(ascii: "\"")) }
        var string = string
        // Almost all strings are ASCII without anything to escape: they are copied as they are.
        let isPlain = string.withUTF8 { bytes in
            let hasMarks = unsafe bytes.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
            if !hasMarks { unsafe out.append(contentsOf: bytes) }
            return !hasMarks
        }
        if isPlain { return }
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0x08: out.append(contentsOf: "\\b".utf8)
            case 0x09: out.append(contentsOf: "\\t".utf8)
            case 0x0A: out.append(contentsOf: "\\n".utf8)
            case 0x0C: out.append(contentsOf: "\\f".utf8)
            case 0x0D: out.append(contentsOf: "\\r".utf8)
            case 0..<0x20: out.append(contentsOf: ("\\u00" + Hex.encode([byte])).utf8)
            default: out.append(byte)
            }
        }
    }

    /// The shortest decimal that reads back as the same binary64, written as ECMAScript's Number.toString does
    /// (RFC 8785 section 3.2.2.3); non-finite values, which JSON can't hold, become `null`.
    package static func shortest(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == 0 { return "0" }
        let sign = value < 0 ? "-" : ""
        let (digits, exponent) = decimal(value.magnitude)
        let count = digits.count
        switch exponent {
        case count...21: return sign + digits + String(repeating: "0", count: exponent - count)
        case 1..<max(count, 1): return sign + digits.prefix(exponent) + "." + digits.dropFirst(exponent)
        case -5...0: return sign + "0." + String(repeating: "0", count: -exponent) + digits
        default:
            let power = exponent - 1
            let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
            return sign + mantissa + "e" + (power < 0 ? "-" : "+") + String(power.magnitude)
        }
    }

    /// Significant digits d and exponent e of a positive value 0.d × 10^e; Swift's own description has the shortest digits.
    private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
        let parts = "\(value)".split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        var exponent = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        var digits = Substring(String(mantissa[0]) + fraction)
        while digits.first == "0" {
            digits = digits.dropFirst()
            exponent -= 1
        }
        while digits.last == "0" { digits = digits.dropLast() }
        return (String(digits), exponent)
    }
}
