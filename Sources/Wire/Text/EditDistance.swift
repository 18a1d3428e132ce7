/// Levenshtein's distance: how many bytes have to be put in, left out or changed to make one text of another. It names the word that was
/// probably meant.
package enum EditDistance {
    package static func between(_ left: String, _ right: String) -> Int { between(left.utf8, right.utf8) }

    package static func between(_ left: some Sequence<UInt8>, _ right: some Collection<UInt8>) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let changed = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
