package import Wire

/// The verifier's passes in plain Swift: the definition that `NativePasses` is compared with.
package struct PlainPasses: VerifierPasses {
    package init() {}

    package func fieldProduct(_ matrix: MatrixView, _ vectors: [UInt64], count: Int) throws(Problem) -> [UInt64] {
        switch matrix.dtype {
        case .i8: fieldProduct(Int8.self, matrix, vectors, count)
        case .i32: fieldProduct(Int32.self, matrix, vectors, count)
        default: throw Problem(.unsupportedDtype, "no field product of \(matrix.dtype.rawValue)")
        }
    }

    private func fieldProduct<T: BinaryInteger & BitwiseCopyable>(_ type: T.Type, _ matrix: MatrixView, _ vectors: [UInt64], _ count: Int) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: count * matrix.count * matrix.rows)
        // A batch's matrices have a part of each vector, or each the whole.
        let isShared = vectors.count == count * matrix.columns
        matrix.tensor.withElements(as: type) { elements in
            for vector in 0..<count {
                for index in 0..<matrix.count {
                    let (one, part) = (matrix.matrix(index), vector &* matrix.count &+ index)
                    for row in 0..<matrix.rows {
                        var sum: UInt64 = 0
                        for column in 0..<matrix.columns {
                            let element = MersenneField.element(Int32(elements[one.index(row, column)]))
                            let entry = vectors[(isShared ? vector : part) &* matrix.columns &+ column]
                            sum = MersenneField.add(sum, MersenneField.multiply(element, entry))
                        }
                        result[part &* matrix.rows &+ row] = sum
                    }
                }
            }
        }
        return result
    }

    package func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        cells.map { ReferenceProduct.bits(gemm, a, b, $0) }
    }

    package func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        rows.flatMap { row in (0..<gemm.n).map { ReferenceProduct.bits(gemm, a, b, Cell(row: row, column: $0)) } }
    }
}
