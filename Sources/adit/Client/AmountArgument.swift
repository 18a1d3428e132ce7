import Wire

/// An amount as people write it: AIT with up to six places, such as `1.5`.
enum AmountArgument {
    /// The amount in base units. Throws `out_of_range` for anything that isn't 0 or more AIT with at most six places.
    static func parse(_ text: String) throws(Problem) -> Int64 {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        let digits = String(parts.first ?? "") + fraction + String(repeating: "0", count: max(0, 6 - fraction.utf8.count))
        guard parts.count <= 2, fraction.utf8.count <= 6, !(parts.first ?? "").isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let amount = Int64(digits), amount <= JSON.maxInteger
        else { throw Problem(.outOfRange, "\"\(text.prefix(32))\" is not an amount in AIT, such as 1.5") }
        return amount
    }
}
