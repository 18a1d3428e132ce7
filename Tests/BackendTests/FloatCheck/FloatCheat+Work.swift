import Kernels
import TestSupport
import Wire

// How the cheats do what they do.
extension FloatCheat {
    /// Rows, tiles and cells of `right` left out, moved, or taken from `other`; nil for a C that has none to move.
    func moved<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type, _ right: Tensor, _ other: Tensor, _ random: inout TestRandom) throws -> Tensor? {
        let (m, n) = (right.shape[0], right.shape[1])
        let row = Int(random.next() % UInt64(m))
        let tile = min(64, max(1, m / 2)), width = min(64, max(1, n / 2))
        let (top, left) = (Int(random.next() % UInt64(m - tile + 1)), Int(random.next() % UInt64(n - width + 1)))
        if self != .zeroRow, self != .signFlip, self != .zeroTile, self != .staleRow, m < 2 { return nil }
        var target: Int?
        if self == .signFlip {
            // A cell that counts in its row: at least half of the row's root mean square.
            right.withElements(as: type) { cells in
                let squares = (0..<n).reduce(0.0) { $0 + Double(cells[row * n + $1]) * Double(cells[row * n + $1]) }
                let least = (squares / Double(n)).squareRoot() / 2
                let start = Int(random.next() % UInt64(n))
                target = (0..<n).map { row * n + (start + $0) % n }.first { abs(Double(cells[$0])) >= least && cells[$0] != 0 }
            }
            guard target != nil else { return nil }
        }
        return try right.copy { copy in
            copy.withMutableElements(as: type) { cells in
                right.withElements(as: type) { source in
                    other.withElements(as: type) { stale in
                        switch self {
                        case .zeroRow: for j in 0..<n { cells[row * n + j] = 0 }
                        case .copiedRow: for j in 0..<n { cells[row * n + j] = source[(row + 1) % m * n + j] }
                        case .staleRow: for j in 0..<n { cells[row * n + j] = stale[row * n + j] }
                        case .swappedRows:
                            for j in 0..<n {
                                cells[row * n + j] = source[(row + m / 2) % m * n + j]
                                cells[(row + m / 2) % m * n + j] = source[row * n + j]
                            }
                        case .rotatedRows: for i in 0..<m { for j in 0..<n { cells[i * n + j] = source[(i + 1) % m * n + j] } }
                        case .zeroTile: for i in top..<top + tile { for j in left..<left + width { cells[i * n + j] = 0 } }
                        case .copiedTile:
                            for i in top..<top + tile { for j in left..<left + width { cells[i * n + j] = source[(i + tile) % m * n + j] } }
                        default: if let target { cells[target] = -cells[target] }
                        }
                    }
                }
            }
        }
    }

    /// The product in another order of the same fused multiply-adds.
    func reordered(_ product: Product) throws -> Tensor {
        let gemm = product.gemm
        func fill<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) throws -> Tensor {
            let (a, b) = (try MatrixView(product.a, transposed: gemm.transposeA), try MatrixView(product.b, transposed: gemm.transposeB))
            let c = try Tensor(zeros: product.kernel.outputs[0])
            c.withMutableElements(as: type) { cells in
                a.tensor.withElements(as: type) { elementsA in
                    b.tensor.withElements(as: type) { elementsB in
                        for i in 0..<gemm.m {
                            for j in 0..<gemm.n {
                                var sums: InlineArray<8, T> = .init(repeating: 0)
                                for l in 0..<gemm.k {
                                    let term = self == .descending ? gemm.k - 1 - l : l
                                    let lane = self == .eightSums ? l % 8 : 0
                                    sums[lane].addProduct(elementsA[a.index(i, term)], elementsB[b.index(term, j)])
                                }
                                let sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
                                cells[i * gemm.n + j] = sum.isNaN ? T.nan : sum + 0
                            }
                        }
                    }
                }
            }
            return c
        }
        return gemm.inputDType == .f64 ? try fill(Double.self) : try fill(Float.self)
    }

    /// The product with A's last column taken as zero.
    func withoutLastTerm(_ product: Product, _ backend: any ComputeBackend) throws -> Tensor? {
        let gemm = product.gemm
        func shortened<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) throws -> Tensor {
            let view = try MatrixView(product.a, transposed: gemm.transposeA)
            return try product.a.copy { copy in
                copy.withMutableElements(as: type) { cells in for i in 0..<gemm.m { cells[view.index(i, gemm.k - 1)] = 0 } }
            }
        }
        let a = gemm.inputDType == .f64 ? try shortened(Double.self) : try shortened(Float.self)
        return try Product(product.kernel, a: a, b: product.b).run(on: backend)
    }

    static func reversed(_ tensor: Tensor) throws -> Tensor {
        func reverse<T: BitwiseCopyable>(_ type: T.Type) throws -> Tensor {
            try tensor.copy { copy in
                copy.withMutableElements(as: type) { cells in
                    tensor.withElements(as: type) { source in for i in source.indices { cells[i] = source[source.count - 1 - i] } }
                }
            }
        }
        return tensor.dtype == .f64 ? try reverse(UInt64.self) : try reverse(UInt32.self)
    }

    /// Every element as binary16 and back; nil where one doesn't fit.
    static func half(_ tensor: Tensor) throws -> Tensor? {
        var fits = true
        let copy = try tensor.copy { copy in
            copy.withMutableElements(as: Float.self) { cells in
                for i in cells.indices {
                    let rounded = round16(cells[i])
                    if cells[i].isFinite, abs(rounded) > 65_504 || (rounded == 0 && cells[i] != 0) { fits = false }
                    cells[i] = rounded
                }
            }
        }
        return fits ? copy : nil
    }

    /// To nearest even at 11 significant bits, fewer below 2^−14; binary16's overflow is left to the caller.
    private static func round16(_ x: Float) -> Float {
        guard x.isFinite, x != 0 else { return x }
        let unit = Double(sign: .plus, exponent: max(Int(x.exponent) - 10, -24), significand: 1)
        return Float((Double(x) / unit).rounded(.toNearestOrEven) * unit)
    }

    static func converted(_ tensor: Tensor, to dtype: DType) throws -> Tensor {
        let result = try Tensor(zeros: try TensorDescriptor(name: tensor.name, dtype: dtype, shape: tensor.shape))
        if dtype == .f32 {
            tensor.withElements(as: Double.self) { source in
                result.withMutableElements(as: Float.self) { for i in source.indices { $0[i] = Float(source[i]) } }
            }
        } else {
            tensor.withElements(as: Float.self) { source in
                result.withMutableElements(as: Double.self) { for i in source.indices { $0[i] = source[i].isNaN ? Double.nan : Double(source[i]) } }
            }
        }
        return result
    }
}
