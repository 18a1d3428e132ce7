package import Wire

/// The definition of the passes over convolutions, in plain Swift: slow.
extension PlainPasses {
    package func mismatch(
        _ convolution: Convolution, x: Tensor, y: Tensor, filters: [UInt64], vectors: [UInt64], count: Int
    ) throws(Problem) -> Int? {
        x.withElements(as: Int8.self) { x in
            y.withElements(as: Int32.self) { y in
                (0..<convolution.rows).first { index in
                    let row = convolution.row(index)
                    return (0..<count).contains { vector in
                        var (expected, found) = (UInt64(0), UInt64(0))
                        let filter = (vector * convolution.groups + row.group) * convolution.depth
                        convolution.terms(row) { term, element in
                            let value = MersenneField.element(Int32(x[element]))
                            expected = MersenneField.add(expected, MersenneField.multiply(value, filters[filter + term]))
                        }
                        for output in 0..<convolution.groupOutputs {
                            let entry = vectors[vector * convolution.outputs + row.group * convolution.groupOutputs + output]
                            let value = MersenneField.element(y[convolution.cell(row, output: output)])
                            found = MersenneField.add(found, MersenneField.multiply(value, entry))
                        }
                        return expected != found
                    }
                }
            }
        }
    }

    package func residuals(_ convolution: Convolution, x: Tensor, y: Tensor, probe: ConvolutionProbe) throws(Problem) -> [RowResidual] {
        let width = ColumnProbe.width
        return x.withElements(as: Float.self) { x in
            y.withElements(as: Float.self) { y in
                (0..<convolution.rows).map { index in
                    let row = convolution.row(index)
                    var result = RowResidual(residual: 0, signal: 0, energy: 0, maximum: 0)
                    var signal = [Double](repeating: 0, count: width)
                    convolution.terms(row) { term, element in
                        let (value, line) = (Double(x[element]), row.group * convolution.depth + term)
                        for p in 0..<width { signal[p] += value * probe.filters[line * width + p] }
                        if let energies = probe.energies { result.energy += value * value * energies[line] }
                        if !value.isFinite { result.maximum = .infinity }
                    }
                    var found = [Double](repeating: 0, count: width)
                    for output in 0..<convolution.groupOutputs {
                        let line = row.group * convolution.groupOutputs + output
                        guard probe.weights[line] != 0 else { continue }
                        let value = Double(y[convolution.cell(row, output: output)])
                        for p in 0..<width { found[p] += value * probe.x[line * width + p] }
                    }
                    for p in 0..<width {
                        result.residual += (found[p] - signal[p]) * (found[p] - signal[p])
                        result.signal += signal[p] * signal[p]
                    }
                    return result
                }
            }
        }
    }

    package func gather(_ convolution: Convolution, x: Tensor, rows: [Int]) throws(Problem) -> Tensor {
        let result = try Tensor(zeros: try TensorDescriptor(name: "rows", dtype: .f32, shape: [rows.count, convolution.depth]))
        x.withElements(as: Float.self) { x in
            result.withMutableElements(as: Float.self) { out in
                for (line, index) in rows.enumerated() {
                    convolution.terms(convolution.row(index)) { term, element in out[line * convolution.depth + term] = x[element] }
                }
            }
        }
        return result
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, outputs: Set<Int>?) throws(Problem) -> Int? {
        let reference = ReferenceConvolution(convolution: convolution, x: x, w: w)
        return (0..<y.descriptor.elementCount).first { cell in
            outputs?.contains(cell / convolution.positions % convolution.outputs) != false && reference.refusal(y, cell: cell) != nil
        }
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, rows: [Int]) throws(Problem) -> Int? {
        let reference = ReferenceConvolution(convolution: convolution, x: x, w: w)
        for index in rows {
            let row = convolution.row(index)
            let cells = (0..<convolution.groupOutputs).map { convolution.cell(row, output: $0) }
            if let wrong = cells.first(where: { reference.refusal(y, cell: $0) != nil }) { return wrong }
        }
        return nil
    }
}

/// Passes that say nothing of convolutions use the definition.
extension ConvolutionPasses {
    package func mismatch(
        _ convolution: Convolution, x: Tensor, y: Tensor, filters: [UInt64], vectors: [UInt64], count: Int
    ) throws(Problem) -> Int? {
        try PlainPasses().mismatch(convolution, x: x, y: y, filters: filters, vectors: vectors, count: count)
    }

    package func residuals(_ convolution: Convolution, x: Tensor, y: Tensor, probe: ConvolutionProbe) throws(Problem) -> [RowResidual] {
        try PlainPasses().residuals(convolution, x: x, y: y, probe: probe)
    }

    package func gather(_ convolution: Convolution, x: Tensor, rows: [Int]) throws(Problem) -> Tensor {
        try PlainPasses().gather(convolution, x: x, rows: rows)
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, outputs: Set<Int>?) throws(Problem) -> Int? {
        try PlainPasses().firstWrong(convolution, x: x, w: w, y: y, outputs: outputs)
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, rows: [Int]) throws(Problem) -> Int? {
        try PlainPasses().firstWrong(convolution, x: x, w: w, y: y, rows: rows)
    }
}
