/// A SHA-256 value: 32 bytes, 64 lower-case hex digits on the wire.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The bytes as four big-endian words, so that order and equality are those of the bytes.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    package static let zero = Digest(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Nil unless there are 32 bytes.
    package init?(bytes: [UInt8]) { self.init(bytes: bytes[...]) }

    /// Nil unless there are 32 bytes.
    package init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count == 32 else { return nil }
        func word(_ offset: Int) -> UInt64 {
            let start = bytes.startIndex + offset
            return bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(words: (word(0), word(8), word(16), word(24)))
    }

    /// Nil unless there are 64 lower-case hex digits.
    package init?(hex: String) {
        guard hex.utf8.count == 64, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes that `write` puts into the memory it is given.
    init(filling write: (UnsafeMutableRawBufferPointer) -> Void) {
        self = unsafe withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { memory in
            unsafe write(memory)
            func word(_ offset: Int) -> UInt64 { unsafe UInt64(bigEndian: memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
            return Digest(words: (word(0), word(8), word(16), word(24)))
        }
    }

    package var bytes: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            unsafe write(to: UnsafeMutableRawBufferPointer(buffer))
            count = 32
        }
    }

    /// Writes the 32 bytes to the start of `target`, which has room for them: for hashing without an array in between.
    func write(to target: UnsafeMutableRawBufferPointer) {
        unsafe target.storeBytes(of: words.0.bigEndian, toByteOffset: 0, as: UInt64.self)
        unsafe target.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        unsafe target.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        unsafe target.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
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
