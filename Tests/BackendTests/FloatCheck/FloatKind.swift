import Foundation
import Kernels
import TestSupport
import Wire

/// What the operands of the float check are filled with.
enum FloatKind: String, CaseIterable, Sendable {
    case normal, uniform, positive, heavyTailed, lognormal, constant, alternating, hugeColumn, hugeRow, sparse, integers, subnormal, special, digits

    /// Kinds whose rounding errors behave as random ones, without zeros, ties or exact sums that make a cheat's answer right.
    var isOrdinary: Bool {
        switch self {
        case .normal, .uniform, .positive, .heavyTailed, .lognormal, .hugeColumn, .hugeRow: true
        case .constant, .alternating, .sparse, .integers, .subnormal, .special, .digits: false
        }
    }

    /// How many powers of ten the largest element may be above 1.
    var digits: Int {
        switch self {
        case .hugeColumn, .hugeRow: 13
        case .heavyTailed: 7
        default: 4
        }
    }

    /// - Parameters: side: 0 for A, 1 for B, whose digits are other images. scale: a power of ten for every element.
    func fill(_ tensor: Tensor, side: Int, scale: Int, _ random: inout TestRandom) {
        let columns = max(tensor.shape[1], 1)
        let factor = Self.power(self == .subnormal ? 0 : scale)
        let large = (row: Int(random.next() % UInt64(max(tensor.shape[0], 1))), column: Int(random.next() % UInt64(columns)))
        func fill<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) {
            tensor.withMutableElements(as: type) { elements in
                var (row, column) = (0, 0)
                for index in elements.indices {
                    elements[index] = T(value(tensor.dtype, row, column, large, side, &random) * factor)
                    column += 1
                    if column == columns { (row, column) = (row + 1, 0) }
                }
            }
        }
        if tensor.dtype == .f64 { fill(Double.self) } else { fill(Float.self) }
    }

    private func value(_ dtype: DType, _ row: Int, _ column: Int, _ large: (row: Int, column: Int), _ side: Int, _ random: inout TestRandom) -> Double {
        switch self {
        case .normal: random.normal()
        case .uniform: 2 * random.unit() - 1
        case .positive: random.unit()
        case .heavyTailed: random.normal() / max(abs(random.normal()), 0x1p-20)
        case .lognormal: exp(2 * random.normal())
        case .constant: 0.1
        case .alternating: (row + column) % 2 == 0 ? 1.1 : -1.1
        case .hugeColumn: random.normal() * (column == large.column ? 1e12 : 1)
        case .hugeRow: random.normal() * (row == large.row ? 1e12 : 1)
        case .sparse: random.next() % 20 == 0 ? random.normal() : 0
        case .integers: Double(Int(random.next() % 15) - 7)
        case .subnormal: random.normal() * (dtype == .f64 ? 0x1p-532 : 0x1p-70)
        case .special:
            switch random.next() % 2000 {
            case 0: .nan
            case 1: .infinity
            case 2: -.infinity
            case 3...20: -0.0
            default: random.normal()
            }
        // Sevenths have full significands: their products round.
        case .digits: Self.images[(row * 64 + column % 64 + side * 7_777) % Self.images.count] / 7
        }
    }

    private static func power(_ exponent: Int) -> Double {
        let power = (0..<abs(exponent)).reduce(1.0) { result, _ in result * 10 }
        return exponent < 0 ? 1 / power : power
    }

    /// Pixels, 0…1 in sixteenths, of the example's handwritten digits; a ramp where the file is missing.
    static let images: [Double] = {
        let file = Vectors.packageRoot.appending(path: "examples/digits-test.safetensors")
        guard let data = try? Foundation.Data(contentsOf: file), let header = try? SafetensorsHeader.parse(prefix: Array(data), fileSize: data.count),
            let entry = header.entries.first(where: { $0.name == "x" }), let descriptor = try? entry.descriptor(), descriptor.dtype == .f32,
            let buffer = try? TensorBuffer(Array(data[entry.fileRange])), let tensor = try? Tensor(descriptor, buffer)
        else { return (0..<6_400).map { Double($0 % 17) / 16 } }
        return tensor.withElements(as: Float.self) { pixels in pixels.indices.map { Double(pixels[$0]) } }
    }()
}
