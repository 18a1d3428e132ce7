/// The name that was probably meant, for an error that names it.
package enum NearestName {
    /// The name at the least distance from `text`, if that is at most a third of its length (3 at most, 1 at least): "thraeds" means "threads",
    /// "xyz" nothing at all. Of several at the same distance the first in order.
    package static func of(_ text: String, among names: [String]) -> String? {
        // Longer ones are no slips of the finger, and the distance takes time that grows with the length.
        guard text.utf8.count <= 64 else { return nil }
        let best = names.map { (distance: distance(text.lowercased(), $0.lowercased()), name: $0) }.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let best, best.distance <= max(1, min(3, text.utf8.count / 3)) else { return nil }
        return best.name
    }

    /// "; did you mean NAME?" or nothing.
    package static func hint(_ text: String, among names: [String]) -> String { of(text, among: names).map { "; did you mean \($0)?" } ?? "" }

    /// Bytes to insert, to remove or to replace (Levenshtein), with two neighbours swapped counted once (optimal string alignment).
    package static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var older: [Int] = []
        var old = Array(0...right.count)
        for row in left.indices {
            var new = [row + 1]
            for column in right.indices {
                var cost = min(old[column] + (left[row] == right[column] ? 0 : 1), old[column + 1] + 1, new[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] { cost = min(cost, older[column - 1] + 1) }
                new.append(cost)
            }
            (older, old) = (old, new)
        }
        return old[right.count]
    }
}
