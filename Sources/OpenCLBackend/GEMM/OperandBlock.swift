import Kernels
import Wire

/// One operand of a product, seen as vectors along k: rows of op(A), or columns of op(B).
struct OperandLayout {
    /// How many vectors there are, and how long they are.
    let vectors: Int
    let depth: Int
    /// Whether the elements of a vector are neighbours in memory.
    let isAlong: Bool
    let dtype: DType

    static func a(_ gemm: GEMM) -> OperandLayout {
        OperandLayout(vectors: gemm.m, depth: gemm.k, isAlong: !gemm.transposeA, dtype: gemm.inputDType)
    }

    static func b(_ gemm: GEMM) -> OperandLayout {
        OperandLayout(vectors: gemm.n, depth: gemm.k, isAlong: gemm.transposeB, dtype: gemm.inputDType)
    }

    /// Elements of one matrix.
    var matrix: Int { vectors * depth }

    /// Where some vectors of some matrices lie in host memory. Several matrices only with all vectors.
    func rectangle(_ range: Range<Int>, matrices: Range<Int>) -> HostRectangle {
        let size = dtype.byteCount
        let start = matrices.lowerBound * matrix
        if range.count == vectors { return .run(start * size, matrices.count * matrix * size) }
        if isAlong { return .run((start + range.lowerBound * depth) * size, range.count * depth * size) }
        return HostRectangle(offset: (start + range.lowerBound) * size, rowBytes: range.count * size, rows: depth, stride: vectors * size)
    }

    /// The block on the device: in the whole tensor if `isWhole`, else by itself.
    func placed(_ buffer: DeviceBuffer, _ range: Range<Int>, matrices: Range<Int>, isWhole: Bool, ready: [Event]) -> PlacedBlock {
        let width = isWhole ? vectors : range.count
        let offset = isWhole ? matrices.lowerBound * matrix + range.lowerBound * (isAlong ? depth : 1) : 0
        return PlacedBlock(
            buffer: buffer, offset: offset, vectorStride: isAlong ? depth : 1, depthStride: isAlong ? 1 : width, matrixStride: width * depth,
            vectors: range.count, depth: depth, ready: ready)
    }
}

/// Some vectors of an operand on the device; offsets and strides in elements.
struct PlacedBlock {
    let buffer: DeviceBuffer
    let offset: Int
    let vectorStride: Int
    let depthStride: Int
    let matrixStride: Int
    let vectors: Int
    let depth: Int
    /// What has to be done before it may be read.
    let ready: [Event]
}
