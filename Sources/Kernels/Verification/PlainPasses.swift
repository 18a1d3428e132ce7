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
        var result = [UInt64](repeating: 0, count: count * matrix.rows)
        matrix.tensor.withElements(as: type) { elements in
            for vector in 0..<count {
                for row in 0..<matrix.rows {
                    var sum: UInt64 = 0
                    for column in 0..<matrix.columns {
                        let element = MersenneField.element(Int32(elements[matrix.index(row, column)]))
                        sum = MersenneField.add(sum, MersenneField.multiply(element, vectors[vector &* matrix.columns &+ column]))
                    }
                    result[vector &* matrix.rows &+ row] = sum
                }
            }
        }
        return result
    }

    package func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms {
        try floats(b, { columnNorms(Float.self, b) }, { columnNorms(Double.self, b) })
    }

    private func columnNorms<T: PanelFloat>(_ type: T.Type, _ b: MatrixView) -> ColumnNorms {
        var norms = ColumnNorms(sumsOfSquares: Array(repeating: 0, count: b.columns), maxima: Array(repeating: 0, count: b.columns))
        b.tensor.withElements(as: type) { elements in
            for row in 0..<b.rows {
                for column in 0..<b.columns {
                    let value = Double(elements[b.index(row, column)])
                    norms.sumsOfSquares[column] += value * value
                    norms.maxima[column] = max(norms.maxima[column], value.isFinite ? value.magnitude : .infinity)
                }
            }
        }
        return norms
    }

    package func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        try floats(b, { self.probe(Float.self, b, probe, energies) }, { self.probe(Double.self, b, probe, energies) })
    }

    private func probe<T: PanelFloat>(_ type: T.Type, _ b: MatrixView, _ probe: ColumnProbe, _ energies: Bool) -> ProbedRows {
        let (columns, vectors) = weighted(probe)
        var rows = ProbedRows(y: [], energies: energies ? [] : nil)
        b.tensor.withElements(as: type) { elements in
            for row in 0..<b.rows {
                var y = SIMD8<Double>(repeating: 0)
                var energy = 0.0
                for (column, x) in zip(columns, vectors) {
                    let value = Double(elements[b.index(row, column)])
                    y += value * x
                    let weighted = value * probe.weights[column]
                    energy += weighted * weighted
                }
                rows.y.append(contentsOf: y.indices.map { y[$0] })
                rows.energies?.append(energy)
            }
        }
        return rows
    }

    package func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe) throws(Problem) -> [RowResidual] {
        try floats(a, { rowResiduals(Float.self, a, c, rows, probe) }, { rowResiduals(Double.self, a, c, rows, probe) })
    }

    private func rowResiduals<T: PanelFloat>(_ type: T.Type, _ a: MatrixView, _ c: MatrixView, _ rows: ProbedRows, _ probe: ColumnProbe) -> [RowResidual] {
        let (columns, vectors) = weighted(probe)
        let ys = Self.vectors(rows.y)
        return a.tensor.withElements(as: type) { elementsA in
            c.tensor.withElements(as: type) { elementsC in
                (0..<a.rows).map { row in
                    var result = RowResidual(residual: 0, signal: 0, energy: 0, maximum: Self.maximum(elementsA, a, row))
                    let scale = RowScale.factor(RowScale.exponent(of: result.maximum, a.dtype))
                    var y = SIMD8<Double>(repeating: 0)
                    for l in 0..<a.columns {
                        let value = scale * Double(elementsA[a.index(row, l)])
                        y += value * ys[l]
                        result.energy += value * value * (rows.energies?[l] ?? 0)
                    }
                    var found = SIMD8<Double>(repeating: 0)
                    for (column, x) in zip(columns, vectors) {
                        found += scale * Double(elementsC[c.index(row, column)]) * x
                    }
                    let difference = found - y
                    result.residual = (difference * difference).sum()
                    result.signal = (y * y).sum()
                    return result
                }
            }
        }
    }

    package func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        try floats(a, { runningSums(Float.self, a, rows, indices) }, { runningSums(Double.self, a, rows, indices) })
    }

    private func runningSums<T: PanelFloat>(_ type: T.Type, _ a: MatrixView, _ rows: ProbedRows, _ indices: [Int]) -> [Double] {
        let ys = Self.vectors(rows.y)
        return a.tensor.withElements(as: type) { elements in
            indices.map { row in
                let scale = RowScale.factor(RowScale.exponent(of: Self.maximum(elements, a, row), a.dtype))
                var y = SIMD8<Double>(repeating: 0)
                var running = 0.0
                for l in 0..<a.columns {
                    y += scale * Double(elements[a.index(row, l)]) * ys[l]
                    running += (y * y).sum()
                }
                return running
            }
        }
    }

    private static func maximum<T: PanelFloat>(_ elements: Span<T>, _ a: MatrixView, _ row: Int) -> Double {
        (0..<a.columns).reduce(0) { largest, l in
            let value = Double(elements[a.index(row, l)])
            return max(largest, value.isFinite ? value.magnitude : .infinity)
        }
    }

    package func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        cells.map { ReferenceProduct.bits(gemm, a, b, $0) }
    }

    package func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        rows.flatMap { row in (0..<gemm.n).map { ReferenceProduct.bits(gemm, a, b, Cell(row: row, column: $0)) } }
    }

    /// The columns that are not left out, with their rows of X.
    private func weighted(_ probe: ColumnProbe) -> (columns: [Int], vectors: [SIMD8<Double>]) {
        let columns = probe.weights.indices.filter { probe.weights[$0] != 0 }
        let all = Self.vectors(probe.x)
        return (columns, columns.map { all[$0] })
    }

    /// Rows of 8 as vectors.
    private static func vectors(_ rows: [Double]) -> [SIMD8<Double>] {
        stride(from: 0, to: rows.count, by: 8).map { start in SIMD8(rows[start..<start + 8]) }
    }

    private func floats<R>(_ view: MatrixView, _ single: () -> R, _ double: () -> R) throws(Problem) -> R {
        switch view.dtype {
        case .f32: single()
        case .f64: double()
        default: throw Problem(.unsupportedDtype, "no float pass over \(view.dtype.rawValue)")
        }
    }
}
