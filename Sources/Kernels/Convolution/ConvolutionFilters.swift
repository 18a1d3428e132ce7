import Wire

/// The filters of the class *numeric* on some rows of a convolution, gathered as matrices.
struct ConvolutionFilters {
    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let passes: any VerifierPasses

    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, passes: any VerifierPasses) {
        (self.convolution, self.x, self.w, self.y, self.passes) = (convolution, x, w, y, passes)
    }

    /// Of a group's outputs, when there are more than twice as many, a secret choice of so many is looked at. β is a share over all of them,
    /// so a choice estimates it: of a lower precision in half the outputs with a standard error of 1/16.
    static let mostOutputs = 64

    /// The largest β of the filters that speak over these finite rows; 0 if none does.
    ///
    /// - Parameter probes: of each group.
    func largest(_ rows: [Int], _ probes: [FloatProbe], _ stream: inout ChallengeStream) throws(Problem) -> Double {
        var traces = Filter.family(.f32).map { _ in Trace() }
        let groups = Dictionary(grouping: rows) { convolution.row($0).group }.sorted { $0.key < $1.key }
        for (group, rows) in groups {
            let probe = probes[group]
            let outputs = choose(&stream)
            let columns = probe.columns(outputs)
            let weights = try MatrixView(try self.weights(group, outputs), transposed: true)
            let inputs = try MatrixView(try passes.gather(convolution, x: x, rows: rows))
            let probed = try passes.probe(weights, with: columns, energies: false)
            let found = try passes.rowResiduals(a: inputs, c: try MatrixView(try cells(rows, outputs)), rows: probed, probe: columns, vectors: true)
            let images = try passes.filterImages(a: inputs, y: probed.y, rounded: try passes.roundedProbes(weights, with: columns))
            guard found.rows.count == rows.count, images.allSatisfy({ $0.count == found.images.count }) else {
                throw Problem(.internalError, "a filter pass gave vectors of another length")
            }
            for (index, row) in found.rows.enumerated() where row.maximum < .infinity {
                let bound = probe.bound(signal: row.signal, energy: 0, maximum: row.maximum, product: 0)
                for (filter, image) in images.enumerated() {
                    traces[filter].add(found.differences, found.images, row: index, filtered: image, row: index, precision: bound > 0 ? 1 / (bound * bound) : 0)
                }
            }
        }
        return traces.reduce(0) { max($0, $1.loudness) }
    }

    private func choose(_ stream: inout ChallengeStream) -> [Int] {
        let count = convolution.groupOutputs
        return count > 2 * Self.mostOutputs ? stream.distinct(Self.mostOutputs, below: count) : Array(0..<count)
    }

    /// The weights of some outputs of a group, outputs × depth.
    private func weights(_ group: Int, _ outputs: [Int]) throws(Problem) -> Tensor {
        let all = try convolution.weights(w)
        let some = try Tensor(zeros: try TensorDescriptor(name: "w", dtype: .f32, shape: [outputs.count, convolution.depth]))
        let length = convolution.depth * DType.f32.byteCount
        unsafe all.buffer.withUnsafeBytes { from in
            unsafe some.buffer.withUnsafeMutableBytes { to in
                for (line, output) in outputs.enumerated() {
                    let start = (group * convolution.groupOutputs + output) * length
                    let source = unsafe UnsafeRawBufferPointer(rebasing: from[start..<start + length])
                    unsafe UnsafeMutableRawBufferPointer(rebasing: to[line * length..<(line + 1) * length]).copyMemory(from: source)
                }
            }
        }
        return some
    }

    /// Cells of Y: rows × outputs.
    private func cells(_ rows: [Int], _ outputs: [Int]) throws(Problem) -> Tensor {
        let copy = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: .f32, shape: [rows.count, outputs.count]))
        y.withElements(as: Float.self) { y in
            copy.withMutableElements(as: Float.self) { out in
                var place = 0
                for index in rows {
                    let row = convolution.row(index)
                    for output in outputs {
                        out[place] = y[convolution.cell(row, output: output)]
                        place += 1
                    }
                }
            }
        }
        return copy
    }
}

extension FloatProbe {
    /// The probe of some columns alone.
    fileprivate func columns(_ chosen: [Int]) -> ColumnProbe {
        let width = ColumnProbe.width
        return ColumnProbe(x: chosen.flatMap { columns.x[$0 * width..<($0 + 1) * width] }, weights: chosen.map { columns.weights[$0] })
    }
}
