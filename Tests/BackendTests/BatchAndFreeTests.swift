import TestSupport
import Testing
import Wire

@testable import Kernels

/// Batches, and arithmetic in a free order: every backend that offers them, against the definition or within rounding's bound.
@Suite struct BatchAndFreeTests {
    struct Shape: Sendable {
        let batch: Int?, m: Int, n: Int, k: Int
    }

    static let shapes: [Shape] = [
        Shape(batch: nil, m: 1, n: 1, k: 1), Shape(batch: nil, m: 0, n: 3, k: 2), Shape(batch: nil, m: 3, n: 4, k: 0), Shape(batch: nil, m: 1, n: 97, k: 255),
        Shape(batch: nil, m: 97, n: 1, k: 257), Shape(batch: nil, m: 65, n: 33, k: 513), Shape(batch: 1, m: 5, n: 7, k: 3),
        Shape(batch: 7, m: 16, n: 16, k: 16), Shape(batch: 5, m: 33, n: 32, k: 31), Shape(batch: 3, m: 1, n: 17, k: 300), Shape(batch: 3, m: 17, n: 1, k: 300),
        Shape(batch: 2, m: 40, n: 65, k: 260), Shape(batch: 4, m: 6, n: 5, k: 0), Shape(batch: 0, m: 2, n: 2, k: 2), Shape(batch: 2, m: 130, n: 131, k: 129),
    ]

    @Test(arguments: shapes, Arithmetic.allCases)
    func `within the bound, or to the bit`(shape: Shape, arithmetic: Arithmetic) throws {
        for (index, transposes) in [(false, false), (true, false), (false, true), (true, true)].enumerated() {
            let gemm = try GEMM(
                m: shape.m, n: shape.n, k: shape.k, transposeA: transposes.0, transposeB: transposes.1, batch: shape.batch, arithmetic: arithmetic)
            let backends = Backends.all.filter { $0.capability(for: gemm) != nil }
            guard !backends.isEmpty else { continue }
            let a = try Self.operand("a", gemm.inputDType, gemm.shapeA, seed: UInt64(index))
            let b = try Self.operand("b", gemm.inputDType, gemm.shapeB, seed: UInt64(index + 9))
            let judge = try Judge(gemm, a, b)
            for backend in backends {
                let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
                unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xFF) }
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
                #expect(judge.accepts(c), "\(backend.device): \(arithmetic.rawValue) \(shape) \(transposes)")
            }
        }
    }

    private static func operand(_ name: String, _ dtype: DType, _ shape: [Int], seed: UInt64) throws -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "\(name) \(seed)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
    }
}

/// Says whether an output is right: to the bit by panel-256 and in integers, otherwise within the bound of any order of k rounded additions.
struct Judge {
    private let gemm: GEMM
    /// The exact sums, as binary64 gives them for operands of 24 bits (for F64: itself rounded, which the bound has room for).
    private var sums: [Double] = []
    /// Σ |a|·|b|, which the bound is a multiple of.
    private var magnitudes: [Double] = []
    private var bits: [UInt64] = []

    init(_ gemm: GEMM, _ a: Tensor, _ b: Tensor) throws {
        self.gemm = gemm
        let (valuesA, valuesB) = (Self.values(a), Self.values(b))
        let isBits = gemm.arithmetic == .f32Panel256 || gemm.arithmetic == .f64Panel256
        for index in 0..<gemm.count {
            let viewA = try Self.view(a, gemm.transposeA, gemm.batch == nil ? nil : index)
            let viewB = try Self.view(b, gemm.transposeB, gemm.batch == nil ? nil : index)
            let cells = (0..<gemm.m).flatMap { row in (0..<gemm.n).map { Cell(row: row, column: $0) } }
            if isBits { bits += try PlainPasses().recomputeCells(gemm.single, a: viewA, b: viewB, cells: cells) }
            for cell in isBits ? [] : cells {
                var (sum, magnitude) = (0.0, 0.0)
                for l in 0..<gemm.k {
                    let product = valuesA[viewA.index(cell.row, l)] * valuesB[viewB.index(l, cell.column)]
                    sum += product
                    magnitude += abs(product)
                }
                sums.append(sum)
                magnitudes.append(magnitude)
            }
        }
    }

    /// |c − Σ| ≤ (k + 1)·u·Σ|a||b| for any order of k products and additions, each rounded once (Higham, Accuracy and Stability, section 3.1);
    /// F64 twice that, for the reference's own rounding.
    func accepts(_ c: Tensor) -> Bool {
        let found = Self.values(c)
        switch gemm.arithmetic {
        case .f32Panel256: return c.withElements(as: UInt32.self) { cells in cells.indices.allSatisfy { UInt64(cells[$0]) == bits[$0] } }
        case .f64Panel256: return c.withElements(as: UInt64.self) { cells in cells.indices.allSatisfy { cells[$0] == bits[$0] } }
        case .i32Exact: return found == sums
        case .f32, .bf16F32, .f64:
            let unit = gemm.arithmetic == .f64 ? 0x1p-52 : 0x1p-24
            return found.indices.allSatisfy { abs(found[$0] - sums[$0]) <= Double(gemm.k + 1) * unit * magnitudes[$0] }
        }
    }

    private static func view(_ tensor: Tensor, _ isTransposed: Bool, _ index: Int?) throws -> MatrixView {
        if let index { return try MatrixView(tensor, transposed: isTransposed, batch: index) }
        return try MatrixView(tensor, transposed: isTransposed)
    }

    private static func values(_ tensor: Tensor) -> [Double] {
        switch tensor.dtype {
        case .f32: tensor.withElements(as: Float.self) { all in all.indices.map { Double(all[$0]) } }
        case .f64: tensor.withElements(as: Double.self) { all in all.indices.map { all[$0] } }
        case .bf16: tensor.withElements(as: UInt16.self) { all in all.indices.map { Double(Float(bitPattern: UInt32(all[$0]) << 16)) } }
        case .i8: tensor.withElements(as: Int8.self) { all in all.indices.map { Double(all[$0]) } }
        case .i32: tensor.withElements(as: Int32.self) { all in all.indices.map { Double(all[$0]) } }
        case .i64: tensor.withElements(as: Int64.self) { all in all.indices.map { Double(all[$0]) } }
        }
    }
}
