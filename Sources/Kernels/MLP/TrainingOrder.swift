import Wire

/// Which rows of the data make up each batch: the rows in a new order each epoch, one epoch after the other, cut into batches.
///
/// Batches go on over the end of an epoch, so every row comes once in each. Epoch e's order is the shuffle of Fisher and Yates (Durstenfeld
/// 1964) of 0, 1, …, N−1: for i = N−1, …, 1, places i and j are exchanged, j uniform in 0...i from 32-bit little-endian words u of the ChaCha20
/// keystream with key SHA-256("adit.mlp-order.v1|seed|e"): j = ⌊u·(i+1)/2^32⌋, where u with u·(i+1) mod 2^32 < 2^32 mod (i+1) are passed over
/// (Lemire 2019).
package struct TrainingOrder {
    private let seed: Digest
    private let count: Int
    private var epoch: Int
    private var place: Int
    private var order: [Int32] = []

    /// - Parameter position: of the first row wanted, counted over all batches from the training's begin.
    package init(_ plan: TrainingPlan, from position: Int) {
        (seed, count) = (plan.seed, plan.examples)
        (epoch, place) = position.quotientAndRemainder(dividingBy: plan.examples)
    }

    /// The next `wanted` rows.
    package mutating func rows(_ wanted: Int) -> [Int32] {
        var rows: [Int32] = []
        rows.reserveCapacity(wanted)
        while rows.count < wanted {
            if order.isEmpty { order = Self.order(seed, epoch, count) }
            let taken = min(wanted - rows.count, count - place)
            rows += order[place..<place + taken]
            place += taken
            if place == count { (epoch, place, order) = (epoch + 1, 0, []) }
        }
        return rows
    }

    /// An epoch's order.
    static func order(_ seed: Digest, _ epoch: Int, _ count: Int) -> [Int32] {
        let generator = ChaCha20(key: SHA256.hash(utf8: "adit.mlp-order.v1|\(seed.hex)|\(epoch)"))
        var order = (0..<Int32(count)).map { $0 }
        var (words, next): ([UInt32], Int) = ([], 0)
        for i in stride(from: count - 1, to: 0, by: -1) {
            let bound = UInt64(i + 1)
            while true {
                if next == words.count { (words, next) = (Self.words(generator, min(i, 1 << 16)), 0) }
                let product = UInt64(words[next]) * bound
                next += 1
                let low = product & 0xffff_ffff
                // The remainder is only needed where it might exceed `low`.
                if low < bound, low < (1 << 32) % bound { continue }
                order.swapAt(i, Int(product >> 32))
                break
            }
        }
        return order
    }

    /// `count` little-endian words, as the machine reads them.
    private static func words(_ generator: ChaCha20, _ count: Int) -> [UInt32] {
        unsafe [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe generator.next(into: UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }
}
