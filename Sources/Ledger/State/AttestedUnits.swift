import Signing
import Wire

/// The compute units in each coordinator's settled receipts, by height: what the mint limit looks back over.
///
/// It follows from the receipts in the state, so it is rebuilt from them and is not part of the state root. A value: heights
/// lie in short chunks, so that a block's copy shares all but the last. Chunks beyond the longest window are dropped.
struct AttestedUnits: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        let height: Int64
        var units: UInt128
    }

    private struct Chunk: Sendable, Equatable {
        var entries: [Entry]
        var units: UInt128
    }

    private static let chunkSize = 256
    private var chunks: [PublicKey: [Chunk]] = [:]

    /// Adds a receipt's units; heights come in ascending order.
    mutating func add(_ units: Int64, by coordinator: PublicKey, at height: Int64) {
        let units = UInt128(max(0, units))
        var list = chunks[coordinator] ?? []
        chunks[coordinator] = nil
        list.removeAll { ($0.entries.last?.height ?? height) <= height - Parameter.maxWindow }
        if var last = list.popLast() {
            last.units += units
            if last.entries.last?.height == height {
                last.entries[last.entries.count - 1].units += units
                list.append(last)
            } else if last.entries.count < Self.chunkSize {
                last.entries.append(Entry(height: height, units: units))
                list.append(last)
            } else {
                last.units -= units
                list += [last, Chunk(entries: [Entry(height: height, units: units)], units: units)]
            }
        } else {
            list = [Chunk(entries: [Entry(height: height, units: units)], units: units)]
        }
        chunks[coordinator] = list
    }

    /// The units of receipts in blocks above `height`.
    func units(by coordinator: PublicKey, above height: Int64) -> UInt128 {
        var sum: UInt128 = 0
        for chunk in (chunks[coordinator] ?? []).reversed() {
            guard let first = chunk.entries.first, let last = chunk.entries.last, last.height > height else { break }
            sum += first.height > height ? chunk.units : chunk.entries.reduce(0) { $1.height > height ? $0 + $1.units : $0 }
        }
        return sum
    }
}
