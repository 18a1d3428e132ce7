private import Foundation
package import Wire

/// A key as 24 English words, to be written on paper: BIP-39's encoding of 256 bits.
///
/// The 256 bits **are the ed25519 seed itself**, not something that a seed is derived from: no PBKDF2, no passphrase extension, no BIP-32.
/// 8 bits of its SHA-256 follow as a checksum; each 11 bits of the 264 are one word of the list (BIP-39, "Generating the mnemonic"). A
/// wallet that derives keys from such words makes another key of them.
///
/// The words lie in locked memory as their numbers; those who show or read them use locked memory, too.
package struct BackupWords: Sendable {
    /// Two bytes for each word: its place in the list, the low byte first.
    private let places: SecretBytes?
    /// How many there are so far, 0…24.
    package var count: Int { (places?.count ?? 0) / 2 }

    /// A whole backup.
    package static let wholeCount = 24
    /// More than 24 words of 8 letters, their spaces, and a generous rest.
    package static let maxBytes = 1024

    /// No words yet; `adding` takes them as they are typed.
    package init() { places = nil }

    private init(places: SecretBytes) { self.places = places }

    /// The words of a key.
    package init(_ key: PrivateKey) throws(Problem) {
        places = try unsafe SecretBytes(capacity: 2 * Self.wholeCount) { places in
            unsafe key.withSeed { seed in
                let check = unsafe Self.checksum(UnsafeBufferPointer(start: seed, count: 32))
                var (pending, bits, word) = (UInt32(0), 0, 0)
                for position in 0...32 {
                    pending = unsafe pending << 8 | UInt32(position < 32 ? seed[position] : check)
                    bits += 8
                    guard bits >= 11 else { continue }
                    bits -= 11
                    unsafe Self.store(Int(pending >> bits), word, places)
                    pending &= (1 << bits) - 1
                    word += 1
                }
            }
            return 2 * Self.wholeCount
        }
    }

    /// The key of 24 words. Throws `bad_backup` where there are more or fewer, or the checksum is another.
    package func key() throws(Problem) -> PrivateKey {
        guard let places, count == Self.wholeCount else {
            throw Problem(.badBackup, "a backup has \(Self.wholeCount) words, and there \(count == 1 ? "is" : "are") \(count)")
        }
        let seed = try unsafe SecretBytes(capacity: 32) { (seed) throws(Problem) in
            var (pending, bits, written, check) = (UInt32(0), 0, 0, UInt8(0))
            for word in 0..<Self.wholeCount {
                pending = pending << 11 | UInt32(Self.place(word, places))
                bits += 11
                while bits >= 8 {
                    bits -= 8
                    let byte = UInt8(truncatingIfNeeded: pending >> bits)
                    if written < 32 { unsafe seed[written] = byte } else { check = byte }
                    pending &= (1 << bits) - 1
                    written += 1
                }
            }
            guard unsafe Self.checksum(UnsafeBufferPointer(start: seed, count: 32)) == check else {
                throw Problem(
                    .badBackup,
                    "all 24 are words of the list, but their checksum is wrong: one of them is another word than was written down, or their order is wrong")
            }
            return 32
        }
        return try PrivateKey(seed: seed)
    }

    /// SHA-256's first 8 bits.
    private static func checksum(_ seed: UnsafeBufferPointer<UInt8>) -> UInt8 {
        unsafe SHA256.hash(UnsafeRawBufferPointer(seed)).bytes[0]
    }

    private static func store(_ place: Int, _ word: Int, _ places: UnsafeMutablePointer<UInt8>) {
        unsafe places[2 * word] = UInt8(truncatingIfNeeded: place)
        unsafe places[2 * word + 1] = UInt8(truncatingIfNeeded: place >> 8)
    }

    private static func place(_ word: Int, _ places: SecretBytes) -> Int {
        unsafe places.withPointer { places in unsafe Int(places[2 * word]) | Int(places[2 * word + 1]) << 8 }
    }

    /// The bytes of one word, which are the list's.
    func utf8(_ word: Int) -> String.UTF8View? {
        guard let places, (0..<count).contains(word) else { return nil }
        return BackupWordList.words[Self.place(word, places)].utf8
    }
}

extension BackupWords {
    /// These and the words of a line: any spaces, capitals, first four letters, and what NFKD makes of other letters and spaces.
    ///
    /// - Throws: `bad_backup` for a word that isn't in the list, with its position, counted from 1, and the nearest one; and for more than 24.
    ///   What was typed is not repeated: it may be another secret, typed in the wrong place.
    package func adding(_ line: SecretBytes) throws(Problem) -> BackupWords {
        let line = try Self.plain(line)
        let most = 2 * Self.wholeCount
        let joined = try unsafe SecretBytes(capacity: most) { (places) throws(Problem) in
            var count = 0
            if let before = self.places {
                count = before.count
                unsafe before.withBytes { unsafe places.update(from: $0.baseAddress ?? UnsafePointer(places), count: $0.count) }
            }
            try unsafe line.withBytes { (text) throws(Problem) in
                let typed = unsafe text.split(whereSeparator: Self.isSpace)
                for index in unsafe typed.indices {
                    let word = unsafe typed[index]
                    guard count < most else { throw Problem(.badBackup, "a backup has \(Self.wholeCount) words, and there are more") }
                    guard let place = unsafe BackupWordList.index(of: word) else {
                        let meant = unsafe BackupWordList.nearest(to: word).map { "; the nearest is \"\($0)\"" } ?? ""
                        throw Problem(.badBackup, "word \(count / 2 + 1) is not in the list\(meant)")
                    }
                    unsafe Self.store(place, count / 2, places)
                    count += 2
                }
            }
            return count
        }
        return BackupWords(places: joined)
    }

    /// The same with some words in place of others: `positions` count from 0, as many as `words` has.
    package func replacing(_ positions: [Int], with words: BackupWords) throws(Problem) -> BackupWords {
        guard let places, let others = words.places, positions.count == words.count, positions.allSatisfy((0..<count).contains) else {
            throw Problem(.badBackup, "\(words.count) words can't stand in \(positions.count) places")
        }
        return BackupWords(
            places: try unsafe SecretBytes(capacity: places.count) { copy in
                unsafe places.withBytes { unsafe copy.update(from: $0.baseAddress ?? UnsafePointer(copy), count: $0.count) }
                for (index, position) in positions.enumerated() { unsafe Self.store(Self.place(index, others), position, copy) }
                return places.count
            })
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// NFKD, as BIP-39 wants it. Words typed in ASCII stay where they are; others (full-width letters, ligatures of a printed page, odd
    /// spaces) pass through ordinary memory, since Foundation alone knows the tables.
    private static func plain(_ line: SecretBytes) throws(Problem) -> SecretBytes {
        let text: String? = unsafe line.withBytes { bytes in
            unsafe bytes.allSatisfy { $0 < 0x80 } ? nil : unsafe String(decoding: bytes, as: UTF8.self)
        }
        return try text.map { (text) throws(Problem) in try SecretBytes(copying: Array(text.decomposedStringWithCompatibilityMapping.utf8)) } ?? line
    }
}

extension BackupWords: CustomStringConvertible, CustomReflectable {
    package var description: String { "BackupWords(\(count))" }
    package var customMirror: Mirror { Mirror(self, children: ["count": count]) }
}
