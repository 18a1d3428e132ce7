import Wire

/// The name that somebody may have meant.
enum NearestName {
    /// The known name that begins like the given one, or else the one with the fewest letters inserted, left out or changed; nil if none is known.
    static func of(_ given: some StringProtocol, among known: [String]) -> String? {
        let word = Array(given.prefix(64).utf8)
        func distance(_ name: String) -> (Int, Int) {
            let isBeginning = !word.isEmpty && (name.utf8.starts(with: word) || word.starts(with: name.utf8))
            return (isBeginning ? 0 : 1, EditDistance.between(word, name.utf8))
        }
        return known.map { (name: $0, distance: distance($0)) }.min { $0.distance < $1.distance }?.name
    }
}
