import Kernels
import TestSupport
import Wire

/// One job of the float check: everything about it follows from the seed and its number.
struct FloatCase: Sendable {
    /// How large a product is, and how many of 100,000 are so.
    enum Size: String, CaseIterable, Sendable {
        case small, medium, thin, large, huge

        /// Cumulative, of 100,000.
        var upTo: Int {
            switch self {
            case .small: 78_000
            case .medium: 94_000
            case .thin: 99_800
            case .large: 99_990
            case .huge: 100_000
            }
        }

        /// The range of a long and of a short dimension, which are drawn log-uniformly, and the most multiply-adds.
        var bounds: (long: ClosedRange<Double>, short: ClosedRange<Double>, work: Double) {
            switch self {
            case .small: (1...96, 1...96, 2e5)
            case .medium: (8...512, 1...512, 4e6)
            case .thin: (512...8192, 1...48, 2e7)
            case .large: (128...8192, 64...8192, 3e8)
            case .huge: (1024...8192, 256...8192, 2e10)
            }
        }

        var words: String {
            let (long, short, work) = bounds
            let exponent = Int(work.exponent) * 30103 / 100_000
            return "\(Int(short.lowerBound)) … \(Int(long.upperBound)), under 10^\(exponent + 1) multiply-adds"
        }
    }

    let number: Int
    let size: Size
    let dtype: DType
    let m: Int, n: Int, k: Int
    let transposeA: Bool, transposeB: Bool
    let kindA: FloatKind, kindB: FloatKind
    /// Powers of ten that A and B are multiplied with.
    let scaleA: Int, scaleB: Int
    private let seed: UInt64

    init(seed: UInt64, number: Int) {
        var random = TestRandom(seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
        self.number = number
        // The rare sizes come at fixed places, so that any long run has its share of them.
        let place = number &* 61_803 % 100_000
        let size = Size.allCases.first { place < $0.upTo } ?? .small
        self.size = size
        (m, n, k) = Self.shape(size, &random)
        dtype = random.next() % 4 == 0 ? .f64 : .f32
        (transposeA, transposeB) = (random.next() % 2 == 0, random.next() % 2 == 0)
        let kind = FloatKind.allCases[Int(random.next() % UInt64(FloatKind.allCases.count))]
        kindA = kind
        kindB = random.next() % 3 == 0 ? FloatKind.allCases[Int(random.next() % UInt64(FloatKind.allCases.count))] : kind
        scaleA = random.next() % 2 == 0 ? 0 : Int(random.next() % 61) - 30
        scaleB = random.next() % 2 == 0 ? 0 : Int(random.next() % 61) - 30
        self.seed = random.next()
    }

    private static func shape(_ size: Size, _ random: inout TestRandom) -> (Int, Int, Int) {
        func draw(_ range: ClosedRange<Double>) -> Int {
            var steps = range.lowerBound
            // Log-uniform by sixteenths of a factor of two, without a logarithm of another library's rounding.
            let count = Int((range.upperBound / range.lowerBound).exponent) * 16 + 16
            for _ in 0..<Int(random.next() % UInt64(count)) { steps *= 1.044_273_782_427_413_8 }
            return max(Int(range.lowerBound), min(Int(steps * (1 + 0.04 * random.unit())), Int(range.upperBound)))
        }
        while true {
            var sides = (0..<3).map { _ in draw(random.next() % 2 == 0 ? size.bounds.short : size.bounds.long) }
            if size == .thin { sides = [draw(size.bounds.long), draw(random.next() % 3 == 0 ? size.bounds.long : size.bounds.short), draw(size.bounds.short)] }
            let turn = Int(random.next() % 3)
            let (m, n, k) = (sides[turn], sides[(turn + 1) % 3], sides[(turn + 2) % 3])
            let elements = Double(m) * Double(n) + Double(m) * Double(k) + Double(n) * Double(k)
            if Double(m) * Double(n) * Double(k) <= size.bounds.work, elements <= 8e7 { return (m, n, k) }
        }
    }

    func product() throws -> Product {
        let kernel = try GEMMKernel(
            params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)],
            inputs: [
                TensorDescriptor(name: "a", dtype: dtype, shape: transposeA ? [k, m] : [m, k]),
                TensorDescriptor(name: "b", dtype: dtype, shape: transposeB ? [n, k] : [k, n]),
            ])
        var random = TestRandom(seed)
        let (a, b) = (try Tensor(zeros: kernel.inputs[0]), try Tensor(zeros: kernel.inputs[1]))
        kindA.fill(a, side: 0, scale: scaleA, &random)
        kindB.fill(b, side: 1, scale: scaleB, &random)
        return Product(kernel, a: a, b: b)
    }

    /// Numbers for the challenge and the cheats, apart from those of the data.
    var random: TestRandom { TestRandom(seed ^ 0xC4EA_7E55) }

    /// Ordinary kinds whose elements and products stay in the format's normal range.
    var isOrdinary: Bool {
        guard kindA.isOrdinary, kindB.isOrdinary else { return false }
        let (largestA, largestB) = (scaleA + kindA.digits, scaleB + kindB.digits)
        return dtype == .f64 || (max(largestA, largestB, largestA + largestB) <= 34 && scaleA + scaleB >= -30)
    }
}
