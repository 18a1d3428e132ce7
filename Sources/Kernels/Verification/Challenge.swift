package import Wire

/// 32 secret bytes, drawn after the output was committed to and never used twice; all of a check's randomness.
package struct Challenge: Sendable {
    package static let byteCount = 32

    private let key: [UInt8]

    /// - Throws: `out_of_range` unless there are 32 bytes.
    package init(_ bytes: [UInt8]) throws(Problem) {
        guard bytes.count == Self.byteCount else { throw Problem(.outOfRange, "a challenge has \(Self.byteCount) bytes") }
        key = bytes
    }

    /// Another challenge, independent of this one for everybody who doesn't know its bytes: for a check that is made twice.
    package var second: Challenge { Challenge(key: SHA256.hash(utf8: "adit.second|" + Hex.encode(key)).bytes) }

    private init(key: [UInt8]) { self.key = key }

    /// The challenge's keystream from its start.
    func stream() -> ChallengeStream { ChallengeStream(ChaCha20(key: key)) }
}

/// Numbers drawn from a challenge, in the order in which they are asked for.
struct ChallengeStream {
    private let generator: ChaCha20

    init(_ generator: ChaCha20) { self.generator = generator }

    /// Uniform in 0..<2^61−1: the top 61 bits of a word, drawn again if they are all ones.
    mutating func fieldElement() -> UInt64 {
        while true {
            let value = generator.nextUInt64() >> 3
            if value != MersenneField.modulus { return value }
        }
    }

    /// Uniform in 0..<bound, by rejection. `bound` ≥ 1.
    mutating func integer(below bound: Int) -> Int {
        let bound = UInt64(bound)
        let rejected = (UInt64.max % bound + 1) % bound  // 2^64 mod bound: the top of the range that would favour small values
        while true {
            let word = generator.nextUInt64()
            if word <= UInt64.max - rejected { return Int(word % bound) }
        }
    }

    /// Eight independent standard normals, by Box and Muller (1958) in binary64: four pairs, each of two words of the stream.
    mutating func normals() -> SIMD8<Double> {
        var (u, v) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
        for pair in 0..<4 {
            u[pair] = Double(generator.nextUInt64() >> 11) * 0x1p-53
            v[pair] = Double(generator.nextUInt64() >> 11) * 0x1p-53
        }
        let radius = (-2 * Elementary.log(1 - u)).squareRoot()
        let (cosine, sine) = Elementary.cosineAndSine(turns: v)
        var normals = SIMD8<Double>.zero
        normals.evenHalf = radius * cosine
        normals.oddHalf = radius * sine
        return normals
    }

    /// `count` different numbers in 0..<bound, ascending; all of them if there are no more.
    mutating func distinct(_ count: Int, below bound: Int) -> [Int] {
        guard count < bound else { return Array(0..<bound) }
        var drawn: Set<Int> = []
        while drawn.count < count { drawn.insert(integer(below: bound)) }
        return drawn.sorted()
    }
}
