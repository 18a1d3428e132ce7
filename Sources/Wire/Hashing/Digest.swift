/// A SHA-256 value: 32 bytes, 64 lower-case hex digits on the wire.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The bytes as four big-endian words, so that order and equality are those of the bytes.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    package static let zero = Digest(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Nil unless there are 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    /// Nil unless there are 64 lower-case hex digits.
    package init?(hex: String) {
        guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// Reads 32 bytes that a hash function has just written.
    init(filling write: (inout [UInt8]) -> Void) {
        var bytes = [UInt8](repeating: 0, count: 32)
        write(&bytes)
        self = Digest(bytes: bytes) ?? .zero
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    /// Bit `index`, 0 the most significant of the first byte.
    package func bit(_ index: Int) -> Bool {
        let word =
            switch index >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(63 - index & 63) & 1 == 1
    }

    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }

    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }
    package static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}
