import Kernels
import TestSupport
import Wire

@testable import OpenBLASBackend

/// Ways to be paid for less than the work, or for other work.
enum FloatCheat: String, CaseIterable, Sendable {
    // Another arithmetic: nearly every cell is wrong in its last bits.
    case tf32, tf32A = "tf32 of A only", tf32B = "tf32 of B only", fp16, bf16, oneChain = "one chain, no panels", descending
    case eightSums = "eight interleaved sums", blas = "OpenBLAS's own order", blasPanels = "OpenBLAS by panels, where it isn't offered"
    case f32ForF64 = "F32 arithmetic for F64", roundedC = "C rounded to BF16"
    // Something left out or put elsewhere.
    case lastTerm = "last of k terms dropped", zeroRow = "one row zero", copiedRow = "one row copied from the next", zeroTile = "one tile zero"
    case copiedTile = "one tile copied", swappedRows = "two rows swapped", rotatedRows = "all rows moved by one", staleRow = "one row of another job"
    case stale = "all of another job", signFlip = "one sign flipped"

    /// Whether nearly every cell is wrong.
    var isWhole: Bool {
        switch self {
        case .tf32, .tf32A, .tf32B, .fp16, .bf16, .oneChain, .descending, .eightSums, .blas, .blasPanels, .f32ForF64, .roundedC, .lastTerm, .rotatedRows,
            .stale:
            true
        case .zeroRow, .copiedRow, .zeroTile, .copiedTile, .swappedRows, .staleRow, .signFlip: false
        }
    }

    /// The cheated output; nil where this cheat makes no sense for the job. `right` is the honest one.
    func output(_ product: Product, right: Tensor, library: OpenBLASLibrary?, backend: any ComputeBackend, _ random: inout TestRandom) throws -> Tensor? {
        let (gemm, isSingle) = (product.gemm, product.gemm.inputDType == .f32)
        let work = gemm.m * gemm.n * gemm.k
        switch self {
        case .tf32, .tf32A, .tf32B, .bf16:
            guard isSingle else { return nil }
            let bits: UInt32 = self == .bf16 ? 7 : 10
            return try run(
                gemm, self == .tf32B ? product.a : try product.a.rounded(toBits: bits), self == .tf32A ? product.b : try product.b.rounded(toBits: bits),
                backend)
        case .fp16:
            guard isSingle, let a = try Self.half(product.a), let b = try Self.half(product.b) else { return nil }
            return try run(gemm, a, b, backend)
        case .oneChain, .descending, .eightSums:
            guard work <= 200_000, self != .oneChain || gemm.k > 256 else { return nil }
            return try reordered(product)
        case .blas:
            guard isSingle, let library else { return nil }
            let c = try Tensor(zeros: product.kernel.outputs[0])
            let free = try GEMM(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, transposeB: gemm.transposeB, arithmetic: .f32)
            try FloatProducts.run(library, threads: library.threads, free, product.a, product.b, into: c, .none)
            c.withMutableElements(as: Float.self) { cells in for i in cells.indices { cells[i] = CanonicalCells.value(cells[i]) } }
            return c
        case .blasPanels:
            guard let library, Backends.openBLAS.allSatisfy({ $0.coreName != library.coreName || $0.capability(for: gemm) == nil }) else { return nil }
            let c = try Tensor(zeros: product.kernel.outputs[0])
            if isSingle {
                try FloatProducts.run(library, threads: library.threads, gemm, product.a, product.b, into: c, .none)
            } else {
                try FloatProducts.run(library, threads: library.threads, gemm, product.a, product.b, into: c, .none)
            }
            return c
        case .f32ForF64:
            guard !isSingle, work <= 2_000_000 else { return nil }
            let wide = try GEMM(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, transposeB: gemm.transposeB, arithmetic: .f32Panel256)
            return try Self.converted(try run(wide, Self.converted(product.a, to: .f32), Self.converted(product.b, to: .f32), backend), to: .f64)
        case .roundedC:
            return isSingle ? try right.rounded(toBits: 7) : nil
        case .lastTerm:
            return try withoutLastTerm(product, backend)
        case .stale:
            // A's elements in reverse: the same numbers, another matrix.
            return try run(gemm, try Self.reversed(product.a), product.b, backend)
        case .staleRow, .zeroRow, .copiedRow, .zeroTile, .copiedTile, .swappedRows, .rotatedRows, .signFlip:
            let other = self == .staleRow ? try run(gemm, try Self.reversed(product.a), product.b, backend) : right
            return isSingle ? try moved(Float.self, right, other, &random) : try moved(Double.self, right, other, &random)
        }
    }

    private func run(_ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ backend: any ComputeBackend) throws -> Tensor {
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        try backend.run(gemm, a: a, b: b, into: c, control: .none)
        return c
    }
}
