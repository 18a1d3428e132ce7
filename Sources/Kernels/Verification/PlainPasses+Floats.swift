package import Wire

// The passes over floats, matrix by matrix.
extension PlainPasses {
    package func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms {
        var norms = ColumnNorms(sumsOfSquares: [], maxima: [])
        for index in 0..<b.count {
            let (one, start) = (try FloatMatrix(b.matrix(index)), index * b.columns)
            norms.sumsOfSquares += Array(repeating: 0, count: b.columns)
            norms.maxima += Array(repeating: 0, count: b.columns)
            for row in 0..<b.rows {
                for column in 0..<b.columns {
                    let value = one[row, column]
                    norms.sumsOfSquares[start + column] += value * value
                    norms.maxima[start + column] = max(norms.maxima[start + column], value.isFinite ? value.magnitude : .infinity)
                }
            }
        }
        return norms
    }

    package func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        var rows = ProbedRows(y: try product(b, probe, nil), energies: energies ? [] : nil)
        guard energies else { return rows }
        for index in 0..<b.count {
            let one = try FloatMatrix(b.matrix(index))
            for row in 0..<b.rows {
                var energy = 0.0
                for column in 0..<b.columns where probe.weights[index * b.columns + column] != 0 {
                    let weighted = one[row, column] * probe.weights[index * b.columns + column]
                    energy += weighted * weighted
                }
                rows.energies?.append(energy)
            }
        }
        return rows
    }

    package func roundedProbes(_ b: MatrixView, with probe: ColumnProbe) throws(Problem) -> [[Double]] {
        var results: [[Double]] = []
        for precision in Precision.below(b.dtype) { results.append(try product(b, probe, precision)) }
        return results
    }

    package func filterImages(a: MatrixView, y: [Double], rounded: [[Double]]) throws(Problem) -> [[Double]] {
        let precisions = Precision.below(a.dtype)
        var images: [[Double]] = []
        for filter in Filter.family(a.dtype) {
            let place = filter.b.flatMap { precisions.firstIndex(of: $0) }
            let probe = ColumnProbe(x: place.map { rounded[$0] } ?? y, weights: Array(repeating: 1, count: a.count * a.columns))
            images.append(try product(a, probe, filter.a))
        }
        return images
    }

    /// F(M)·X of every matrix, columns of weight 0 left out.
    private func product(_ matrix: MatrixView, _ probe: ColumnProbe, _ precision: Precision?) throws(Problem) -> [Double] {
        var result: [Double] = []
        let x = vectors(probe.x)
        for index in 0..<matrix.count {
            let (one, start) = (try FloatMatrix(matrix.matrix(index), precision), index * matrix.columns)
            for row in 0..<matrix.rows {
                var y = SIMD8<Double>(repeating: 0)
                for column in 0..<matrix.columns where probe.weights[start + column] != 0 { y += one[row, column] * x[start + column] }
                result.append(contentsOf: y.indices.map { y[$0] })
            }
        }
        return result
    }

    package func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe, vectors: Bool) throws(Problem) -> RowResiduals {
        var result = RowResiduals(rows: [])
        let (x, ys) = (self.vectors(probe.x), self.vectors(rows.y))
        for index in 0..<a.count {
            let (one, other) = (try FloatMatrix(a.matrix(index)), try FloatMatrix(c.matrix(index)))
            let (startA, startC) = (index * a.columns, index * c.columns)
            for row in 0..<a.rows {
                var residual = RowResidual(residual: 0, signal: 0, energy: 0, maximum: one.maximum(row))
                let scale = RowScale.factor(RowScale.exponent(of: residual.maximum, a.dtype))
                var y = SIMD8<Double>(repeating: 0)
                for l in 0..<a.columns {
                    let value = scale * one[row, l]
                    y += value * ys[startA + l]
                    residual.energy += value * value * (rows.energies?[startA + l] ?? 0)
                }
                var found = SIMD8<Double>(repeating: 0)
                for column in 0..<c.columns where probe.weights[startC + column] != 0 {
                    found += scale * other[row, column] * x[startC + column]
                }
                let difference = found - y
                residual.residual = (difference * difference).sum()
                residual.signal = (y * y).sum()
                result.rows.append(residual)
                if vectors {
                    result.differences += difference.indices.map { difference[$0] }
                    result.images += y.indices.map { y[$0] }
                }
            }
        }
        return result
    }

    package func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        var sums: [Double] = []
        let ys = vectors(rows.y)
        var (product, one) = (-1, try FloatMatrix(a.count > 0 ? a.matrix(0) : a))
        for index in indices {
            let (row, start) = (index % a.rows, index / a.rows * a.columns)
            if index / a.rows != product {
                product = index / a.rows
                one = try FloatMatrix(a.matrix(product))
            }
            let scale = RowScale.factor(RowScale.exponent(of: one.maximum(row), a.dtype))
            var y = SIMD8<Double>(repeating: 0)
            var running = 0.0
            for l in 0..<a.columns {
                y += scale * one[row, l] * ys[start + l]
                running += (y * y).sum()
            }
            sums.append(running)
        }
        return sums
    }

    /// Rows of 8 as vectors.
    private func vectors(_ rows: [Double]) -> [SIMD8<Double>] {
        var vectors = [SIMD8<Double>](repeating: .zero, count: rows.count / 8)
        for place in rows.indices { vectors[place / 8][place % 8] = rows[place] }
        return vectors
    }
}

/// One matrix of floats as binary64; rounded first where a precision is given.
struct FloatMatrix {
    private let columns: Int
    private let values: [Double]

    init(_ view: MatrixView, _ precision: Precision? = nil) throws(Problem) {
        columns = view.columns
        var values = [Double](repeating: 0, count: view.rows * view.columns)
        func fill<T: BitwiseCopyable>(_ type: T.Type, _ value: (T) -> Double) {
            view.tensor.withElements(as: type) { elements in
                var place = 0
                for row in 0..<view.rows {
                    for column in 0..<view.columns {
                        values[place] = value(elements[view.index(row, column)])
                        place &+= 1
                    }
                }
            }
        }
        func rounded(_ value: Float) -> Double {
            guard let precision else { return Double(value) }
            return Double(precision.round(value))
        }
        switch view.dtype {
        case .f64: fill(Double.self) { $0 }
        case .f32: fill(Float.self) { rounded($0) }
        case .bf16: fill(UInt16.self) { rounded(Float(bitPattern: UInt32($0) << 16)) }
        default: throw Problem(.unsupportedDtype, "no float pass over \(view.dtype.rawValue)")
        }
        self.values = values
    }

    subscript(row: Int, column: Int) -> Double { values[row &* columns &+ column] }

    /// max |m_ij| of a row; +∞ if it holds a NaN or an infinity.
    func maximum(_ row: Int) -> Double {
        var largest = 0.0
        for column in 0..<columns { largest = max(largest, self[row, column].isFinite ? self[row, column].magnitude : .infinity) }
        return largest
    }
}
