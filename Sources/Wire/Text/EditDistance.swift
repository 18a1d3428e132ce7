/// How many slips of the finger lie between two texts: bytes put in, left out or changed, and neighbours swapped (optimal string alignment).
package enum EditDistance {
    /// Copies neither: one of them may be a part of a secret.
    package static func between(_ left: some Sequence<UInt8>, _ right: some Collection<UInt8>) -> Int {
        // Rows of the table: the one before the last, the last one, and the one that is filled.
        var older = Array(0...right.count)
        var (last, row) = (older, older)
        var before: UInt8?
        for (index, byte) in left.enumerated() {
            row[0] = index + 1
            var otherBefore: UInt8?
            for (column, other) in right.enumerated() {
                var cost = min(last[column] + (byte == other ? 0 : 1), last[column + 1] + 1, row[column] + 1)
                // Both have a byte before this one, so there is a row and a column before the last.
                if let before, let otherBefore, byte == otherBefore, before == other { cost = min(cost, older[column - 1] + 1) }
                row[column + 1] = cost
                otherBefore = other
            }
            before = byte
            (older, last, row) = (last, row, older)
        }
        return last[right.count]
    }
}
