import Wire

/// Reals in a spec are strings of decimal digits, since signed documents hold no fractions: "0.05", "1e-8".
enum RealText {
    /// The nearest binary64 number.
    ///
    /// - Throws: `missing_field` without a default; `wrong_type` for anything but a string of the form [-]digits[.digits][e[±]digits], at
    ///   most 40 bytes; `out_of_range`.
    static func read(_ key: String, _ fields: inout JSONFields, in range: ClosedRange<Double>, default standard: Double? = nil) throws(Problem) -> Double {
        guard let standard else { return try number(key, try fields.string(key, maxBytes: maximumBytes), in: range) }
        return try readOptional(key, &fields, in: range) ?? standard
    }

    /// The same, or nil where there is none.
    static func readOptional(_ key: String, _ fields: inout JSONFields, in range: ClosedRange<Double>) throws(Problem) -> Double? {
        guard let text = try fields.optionalString(key, maxBytes: maximumBytes) else { return nil }
        return try number(key, text, in: range)
    }

    private static let maximumBytes = 40

    private static func number(_ key: String, _ text: String, in range: ClosedRange<Double>) throws(Problem) -> Double {
        guard let number = number(text) else { throw Problem(.wrongType, "\"\(key)\" is not a decimal number in a string, such as \"0.05\"") }
        guard range.contains(number) else { throw Problem(.outOfRange, "\"\(key)\" is not in \(range.lowerBound)...\(range.upperBound)") }
        return number
    }

    static func number(_ text: String) -> Double? {
        var rest = Array(text.utf8)[...]
        func digits() -> Bool {
            let count = rest.prefix { (48...57).contains($0) }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("-")
        guard digits() else { return nil }
        if take(".") { guard digits() else { return nil } }
        if take("eE") {
            _ = take("+-")
            guard digits() else { return nil }
        }
        return rest.isEmpty ? Double(text) : nil
    }
}
