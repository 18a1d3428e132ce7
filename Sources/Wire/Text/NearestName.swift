/// The name that was probably meant, for an error that names it.
package enum NearestName {
    /// The name at the least distance from `text`, if that is at most a third of its length (3 at most, 1 at least): "thraeds" means "threads",
    /// "xyz" nothing at all. Of several at the same distance the first in order.
    package static func of(_ text: String, among names: [String]) -> String? {
        // Longer ones are no slips of the finger, and the distance takes time that grows with the length.
        guard text.utf8.count <= 64 else { return nil }
        let text = text.lowercased()
        let best = names.map { (distance: EditDistance.between(text.utf8, $0.lowercased().utf8), name: $0) }.min {
            ($0.distance, $0.name) < ($1.distance, $1.name)
        }
        guard let best, best.distance <= max(1, min(3, text.utf8.count / 3)) else { return nil }
        return best.name
    }

    /// "; did you mean NAME?" or nothing.
    package static func hint(_ text: String, among names: [String]) -> String { of(text, among: names).map { "; did you mean \($0)?" } ?? "" }
}
