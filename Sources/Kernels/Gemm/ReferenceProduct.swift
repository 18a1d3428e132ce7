/// C = A·B cell by cell, by the definition: what every backend and every verifier is compared with.
enum ReferenceProduct {
    /// The canonical bits of one cell, widened with zeros. `a` is m × k, `b` k × n, both of `gemm.inputDType`; of a batch, rows are counted through.
    static func bits(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ cell: Cell) -> UInt64 {
        guard a.count == 1 else {
            let product = cell.row / a.rows
            return bits(gemm, a.matrix(product), b.matrix(product), Cell(row: cell.row % a.rows, column: cell.column))
        }
        return switch gemm.inputDType {
        case .f32: panelBits(Float.self, gemm, a, b, cell)
        case .f64: panelBits(Double.self, gemm, a, b, cell)
        case .bf16: widenedBits(gemm, a, b, cell)
        default: UInt64(UInt32(bitPattern: exact(gemm, a, b, cell)))
        }
    }

    private static func panelBits<T: PanelFloat>(_ type: T.Type, _ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ cell: Cell) -> UInt64 {
        a.tensor.withElements(as: type) { elementsA in
            b.tensor.withElements(as: type) { elementsB in
                let sum: T = Panel256.sum(count: gemm.k) { accumulator, term in
                    accumulator.addProduct(elementsA[a.index(cell.row, term)], elementsB[b.index(term, cell.column)])
                }
                return Panel256.canonicalBits(sum)
            }
        }
    }

    /// BF16 promises no order: the products, exact in binary32, in that of panel-256.
    private static func widenedBits(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ cell: Cell) -> UInt64 {
        a.tensor.withElements(as: UInt16.self) { elementsA in
            b.tensor.withElements(as: UInt16.self) { elementsB in
                let sum: Float = Panel256.sum(count: gemm.k) { accumulator, term in
                    let (x, y) = (UInt32(elementsA[a.index(cell.row, term)]), UInt32(elementsB[b.index(term, cell.column)]))
                    accumulator.addProduct(Float(bitPattern: x << 16), Float(bitPattern: y << 16))
                }
                return Panel256.canonicalBits(sum)
            }
        }
    }

    /// k ≤ 131,071 keeps the sum within 32 bits (`GEMM.longestI8`).
    private static func exact(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ cell: Cell) -> Int32 {
        a.tensor.withElements(as: Int8.self) { elementsA in
            b.tensor.withElements(as: Int8.self) { elementsB in
                (0..<gemm.k).reduce(0) { sum, term in
                    sum &+ Int32(elementsA[a.index(cell.row, term)]) &* Int32(elementsB[b.index(term, cell.column)])
                }
            }
        }
    }

    /// Writes every cell of C, of all products.
    static func fill(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, into c: Tensor) {
        func fill<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            c.withMutableElements(as: type) { elements in
                for row in 0..<gemm.count &* gemm.m {
                    for column in 0..<gemm.n {
                        elements[row &* gemm.n &+ column] = T(truncatingIfNeeded: bits(gemm, a, b, Cell(row: row, column: column)))
                    }
                }
            }
        }
        guard gemm.n > 0 else { return }
        if gemm.outputDType == .f64 { fill(UInt64.self) } else { fill(UInt32.self) }
    }
}

extension MatrixView {
    /// The bits of one element of 4 or 8 bytes, widened with zeros.
    func bits(_ row: Int, _ column: Int) -> UInt64 {
        dtype.byteCount == 8
            ? tensor.withElements(as: UInt64.self) { $0[index(row, column)] }
            : UInt64(tensor.withElements(as: UInt32.self) { $0[index(row, column)] })
    }
}
