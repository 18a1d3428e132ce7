import COpenBLAS
import Kernels
import Wire

/// I8 products through F32, exactly: in blocks of k ≤ 1,024 every partial sum is an integer of magnitude ≤ 1,024·2^14 = 2^24, which
/// binary32 holds in any order of summation; blocks are added in integers.
struct IntegerBlocks {
    static let depth = 1024
    /// Rows and columns of C at a time: 8 MiB for each converted operand, 16 MiB for the partial sums.
    static let side = 2048

    private let library: OpenBLASLibrary
    private let gemm: GEMM

    init(_ library: OpenBLASLibrary, _ gemm: GEMM) { (self.library, self.gemm) = (library, gemm) }

    /// - Throws: `canceled`.
    func run(_ a: Tensor, _ b: Tensor, into c: Tensor, _ control: RunControl) throws(Problem) {
        unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0) }
        guard gemm.m > 0, gemm.n > 0, gemm.k > 0 else { return }
        let viewA = try MatrixView(a, transposed: gemm.transposeA)
        let viewB = try MatrixView(b, transposed: gemm.transposeB)
        let (rows, columns, depth) = (min(gemm.m, Self.side), min(gemm.n, Self.side), min(gemm.k, Self.depth))
        var blockA = [Float](repeating: 0, count: rows * depth)
        var blockB = [Float](repeating: 0, count: depth * columns)
        var sums = [Float](repeating: 0, count: rows * columns)
        var done = 0.0
        for column in stride(from: 0, to: gemm.n, by: columns) {
            let columns = column..<min(column + columns, gemm.n)
            for start in stride(from: 0, to: gemm.k, by: depth) {
                let terms = start..<min(start + depth, gemm.k)
                Self.convert(viewB, terms, columns, to: &blockB)
                for row in stride(from: 0, to: gemm.m, by: rows) {
                    let rows = row..<min(row + rows, gemm.m)
                    Self.convert(viewA, rows, terms, to: &blockA)
                    unsafe library.sgemm(
                        Int32(adit_blas_row_major), Int32(adit_blas_no_transpose), Int32(adit_blas_no_transpose),
                        Int32(rows.count), Int32(columns.count), Int32(terms.count), 1, blockA, Int32(terms.count), blockB, Int32(columns.count), 0, &sums,
                        Int32(columns.count))
                    add(sums, rows, columns, to: c)
                    done += 2 * Double(rows.count) * Double(columns.count) * Double(terms.count)
                    try control.step(done / Double(gemm.operations))
                }
            }
        }
    }

    /// block = view[rows, columns] in F32, packed.
    private static func convert(_ view: MatrixView, _ rows: Range<Int>, _ columns: Range<Int>, to block: inout [Float]) {
        view.tensor.withElements(as: Int8.self) { elements in
            var target = block.mutableSpan
            var next = 0
            for row in rows {
                for column in columns {
                    target[next] = Float(elements[view.index(row, column)])
                    next &+= 1
                }
            }
        }
    }

    /// C[rows, columns] += sums, which are integers. The total fits since k ≤ 131,071 (`GEMM.longestI8`).
    private func add(_ sums: [Float], _ rows: Range<Int>, _ columns: Range<Int>, to c: Tensor) {
        c.withMutableElements(as: Int32.self) { cells in
            let source = sums.span
            var next = 0
            for row in rows {
                for column in columns {
                    cells[row &* gemm.n &+ column] &+= Int32(source[next])
                    next &+= 1
                }
            }
        }
    }
}
