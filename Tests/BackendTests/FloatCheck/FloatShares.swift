import Kernels
import NativeBackend
import TestSupport
import Wire

/// How often a share of wrong cells is caught, against 1 − (1 − f)^512: cells off by one unit in the last place, which no probe sees.
struct FloatShares {
    static let shares = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02]
    private static let size = 256

    /// The share caught among `runs` for each of `shares`.
    static func caught(runs: Int, seed: UInt64) throws -> [(share: Double, caught: Double, expected: Double)] {
        let product = try Product(.f32, size, size, 300, false, true, .normal, seed: seed)
        let right = try product.reference(fast: true)
        var random = TestRandom(seed)
        let passes = try NativePasses(threads: 1)
        let total = size * size
        return try shares.map { share in
            let wrong = Int((share * Double(total)).rounded())
            var caught = 0
            for _ in 0..<runs {
                let c = try right.copy { c in
                    c.withMutableElements(as: UInt32.self) { cells in
                        var places: Set<Int> = []
                        while places.count < wrong { places.insert(Int(random.next() % UInt64(total))) }
                        for place in places { cells[place] ^= 1 }
                    }
                }
                if try !product.verify(c, try random.challenge(), passes).isAccepted { caught += 1 }
            }
            let missed = (0..<512).reduce(1.0) { $0 * (1 - Double(wrong) / Double(total - $1)) }
            return (share, Double(caught) / Double(runs), 1 - missed)
        }
    }
}

extension Product {
    /// The right output by our fastest kernel.
    func reference(fast: Bool) throws -> Tensor { try run(on: try NativeGEMM(threads: 1, isMeasured: false)) }
}
