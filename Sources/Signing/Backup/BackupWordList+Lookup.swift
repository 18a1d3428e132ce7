import Wire

/// Finding what somebody typed in the list.
extension BackupWordList {
    /// The place of a word in the list, 0…2047: written whole, or from its first four letters on; capitals count as small letters. Nil for
    /// anything else.
    static func index(of typed: some Collection<UInt8>) -> Int? {
        let typed = typed.lazy.map(small)
        let count = typed.count
        guard (shortest...longest).contains(count) else { return nil }
        guard let place = places[beginning(typed)], words[place].utf8.starts(with: typed) else { return nil }
        return place
    }

    /// The list's places by the words' first four letters; of a word of three there is a zero after them.
    private static let places = Dictionary(words.enumerated().map { (beginning($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })

    private static func beginning(_ word: some Sequence<UInt8>) -> UInt32 {
        var (letters, count) = (UInt32(0), 0)
        for letter in word.prefix(uniqueLetters) { (letters, count) = (letters << 8 | UInt32(letter), count + 1) }
        return letters << (8 * (uniqueLetters - count))
    }

    /// The word that was probably meant: the one with the fewest letters wrong, if no more than two are and no other word is as near in
    /// its beginning. Nil where nothing is near: what was typed may be another secret, and a guess would only confuse.
    static func nearest(to typed: some Collection<UInt8>) -> String? {
        guard (shortest...longest + farthest).contains(typed.count) else { return nil }
        let typed = typed.lazy.map(small)
        let count = typed.count
        // Words of another length are further away than that by their lengths alone. The first letter is seldom wrong; it decides between equals.
        let candidates = words.lazy.filter { abs($0.utf8.count - count) <= farthest }.map { word in
            (word: word, edits: EditDistance.between(typed, word.utf8), beginsAlike: word.utf8.first == typed.first)
        }
        let best = candidates.min { ($0.edits, $0.beginsAlike ? 0 : 1) < ($1.edits, $1.beginsAlike ? 0 : 1) }
        return best.flatMap { $0.edits <= farthest ? $0.word : nil }
    }

    /// No two words begin with the same four letters.
    private static let uniqueLetters = 4
    private static let shortest = 3
    private static let longest = 8
    /// Two wrong letters of a word of three to eight still leave one to recognise it by.
    private static let farthest = 2

    private static func small(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
