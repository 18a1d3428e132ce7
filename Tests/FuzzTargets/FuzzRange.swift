import Wire

/// `Range` and `Content-Range`: what is accepted lies inside the blob, and is written as it was read.
///
/// Input: eight bytes of the blob's size, without the sign, then the header.
enum FuzzRange {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let size = bytes.prefix(8).reduce(0) { $0 << 8 | Int($1) } & Int.max
        let header = String(decoding: bytes.dropFirst(8), as: UTF8.self)
        switch ByteRange.read(header, byteCount: size) {
        case .whole: break
        case .unsatisfiable: try demand(header.hasPrefix("bytes="), "refused without a range")
        case .part(let range):
            try demand(0 <= range.first && range.first <= range.last && range.last < size, "bytes that the blob has not")
            try demand((1...size).contains(range.count), "a count of \(range.count)")
            let plain = ByteRange.read("bytes=\(range.first)-\(range.last)", byteCount: size)
            try demand(String(range.last).utf8.count > 18 || plain == .part(range), "the same range is read otherwise")
        }
        guard let piece = accepted({ () throws(Problem) in try ContentRange(header) }) else { return }
        try demand(0 <= piece.first && piece.first <= piece.last && piece.last < piece.total, "bytes outside of the blob")
        try demand(piece.first % TensorRoot.leafSize == 0 && (1...piece.total).contains(piece.count), "a piece between no leaves")
        try demand(accepted { () throws(Problem) in try ContentRange(piece.text) } == piece, "a piece is written otherwise than it was read")
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        ("part", 1_000, "bytes=5-99"), ("rest", 1_000, "bytes=5-"), ("end", 1_000, "bytes=-7"), ("beyond", 10, "bytes=10-"), ("two", 10, "bytes=0-1,3-4"),
        ("first-piece", 0, "bytes 0-65535/100000"), ("last-piece", 0, "bytes 65536-99999/100000"),
    ].map { name, size, header in (name, (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) } + Array(header.utf8)) }
}
