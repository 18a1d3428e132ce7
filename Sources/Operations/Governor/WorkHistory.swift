/// The work of the last seconds: what heats a device that a sensor shows late.
struct WorkHistory: Sendable, Equatable {
    private struct Piece: Sendable, Equatable {
        let start: Double
        let end: Double
        let duty: Double
    }

    /// In order of time, without overlap.
    private var pieces: [Piece] = []
    /// Seconds that are kept, and pieces: enough for the delay and the longest step at four readings a second.
    private static let kept = 14.0
    private static let most = 64

    mutating func append(from start: Double, to end: Double, duty: Double) {
        guard end > start else { return }
        pieces.append(Piece(start: start, end: end, duty: duty))
        while let first = pieces.first, first.end < end - Self.kept || pieces.count > Self.most { pieces.removeFirst() }
    }

    /// Mean duty between two times, 0 where nothing is known.
    func mean(from start: Double, to end: Double) -> Double {
        guard end > start else { return 0 }
        return between(start, end).reduce(0) { $0 + $1.seconds * $1.duty } / (end - start)
    }

    /// The work between two times, in order.
    func between(_ start: Double, _ end: Double) -> [(seconds: Double, duty: Double)] {
        var found: [(seconds: Double, duty: Double)] = []
        for piece in pieces where piece.end > start && piece.start < end {
            found.append((min(piece.end, end) - max(piece.start, start), piece.duty))
        }
        return found
    }
}
