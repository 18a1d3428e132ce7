import Wire

/// β of one filter, over rows: how much of a lower precision's error there is in the output's.
struct FilterEstimate {
    private var count = 0.0
    private var trace = 0.0
    private var power = 0.0
    private var square = 0.0

    /// One row's ⟨r, D⟩, ⟨D, D⟩ and ⟨r, r⟩, each over T².
    mutating func add(trace: Double, power: Double, square: Double) {
        count += 1
        self.trace += trace
        self.power += power
        self.square += square
    }

    /// β > 1/4 and over four standard errors.
    ///
    /// What isn't explained, r − βD, has 8 components a row; its mean square σ² = (Σ⟨r,r⟩ − β²·Σ⟨D,D⟩)/(8·rows) gives Σ⟨r,D⟩ a variance of
    /// σ²·Σ⟨D,D⟩, and β one of σ²/Σ⟨D,D⟩.
    var speaks: Bool {
        guard power > 0 else { return false }
        let beta = trace / power
        let variance = max(square - beta * beta * power, 0) / (8 * count)
        return beta > 0.25 && beta > 4 * (variance / power).squareRoot()
    }
}

/// The filters of the class *numeric* on some rows of a convolution's group, gathered as matrices.
struct ConvolutionFilters {
    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let passes: any VerifierPasses

    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, passes: any VerifierPasses) {
        (self.convolution, self.x, self.w, self.y, self.passes) = (convolution, x, w, y, passes)
    }

    /// Adds finite rows of one group to the estimates of every lower precision.
    func add(_ rows: [Int], group: Int, probe: FloatProbe, to estimates: inout [FilterEstimate]) throws(Problem) {
        let inputs = try passes.gather(convolution, x: x, rows: rows)
        let weights = try groupWeights(group)
        let right = try product(inputs, weights, probe)
        let found = try passes.probe(try MatrixView(try outputs(rows)), with: probe.columns, energies: false).y
        let width = ColumnProbe.width
        for (index, lower) in LowerPrecision.allCases.enumerated() {
            let lowered = try product(try inputs.mapped(lower.first), try weights.mapped(lower.second), probe)
            for row in rows.indices {
                var (trace, power, square, signal) = (0.0, 0.0, 0.0, 0.0)
                for p in row * width..<(row + 1) * width {
                    let (r, d) = (found[p] - right[p], lowered[p] - right[p])
                    trace += r * d
                    power += d * d
                    square += r * r
                    signal += right[p] * right[p]
                }
                // T of a row is what a residual of 1 is divided by.
                let inverse = probe.ratio(RowResidual(residual: 1, signal: signal, energy: 0, maximum: 0))
                guard inverse.isFinite else { continue }
                let scale = inverse * inverse
                estimates[index].add(trace: trace * scale, power: power * scale, square: square * scale)
            }
        }
    }

    /// A·(B·X), rows × 8.
    private func product(_ inputs: Tensor, _ weights: Tensor, _ probe: FloatProbe) throws(Problem) -> [Double] {
        let probed = try passes.probe(try MatrixView(weights, transposed: true), with: probe.columns, energies: false)
        let ones = [Double](repeating: 1, count: convolution.depth)
        return try passes.probe(try MatrixView(inputs), with: ColumnProbe(x: probed.y, weights: ones), energies: false).y
    }

    /// A group's weights, outputs × depth.
    private func groupWeights(_ group: Int) throws(Problem) -> Tensor {
        let (count, depth) = (convolution.groupOutputs, convolution.depth)
        let copy = try Tensor(zeros: try TensorDescriptor(name: "w", dtype: .f32, shape: [count, depth]))
        w.withElements(as: Float.self) { w in
            copy.withMutableElements(as: Float.self) { out in
                for index in out.indices { out[index] = w[group * count * depth + index] }
            }
        }
        return copy
    }

    /// The outputs of some rows, rows × the group's outputs.
    private func outputs(_ rows: [Int]) throws(Problem) -> Tensor {
        let count = convolution.groupOutputs
        let copy = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: .f32, shape: [rows.count, count]))
        y.withElements(as: Float.self) { y in
            copy.withMutableElements(as: Float.self) { out in
                for (line, index) in rows.enumerated() {
                    let row = convolution.row(index)
                    for output in 0..<count { out[line * count + output] = y[convolution.cell(row, output: output)] }
                }
            }
        }
        return copy
    }
}

extension Tensor {
    /// A copy of an F32 tensor with every element changed.
    fileprivate func mapped(_ change: (Float) -> Float) throws(Problem) -> Tensor {
        let copy = try Tensor(zeros: descriptor)
        withElements(as: Float.self) { from in
            copy.withMutableElements(as: Float.self) { to in
                for index in to.indices { to[index] = change(from[index]) }
            }
        }
        return copy
    }
}
