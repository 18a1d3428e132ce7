import CKernels
package import Kernels
package import Wire

// The passes over convolutions, in vectorised C.
extension NativePasses {
    package func mismatch(
        _ convolution: Convolution, x: Tensor, y: Tensor, filters: [UInt64], vectors: [UInt64], count: Int
    ) throws(Problem) -> Int? {
        guard x.shape == convolution.shapeX, y.shape == convolution.shapeY, x.dtype == .i8, y.dtype == .i32,
            filters.count == count * convolution.groups * convolution.depth, vectors.count == count * convolution.outputs
        else { throw Self.misfit }
        var (row, run, shape) = (Int64(-1), unsafe call.quiet, convolution.shape)
        let status = try unsafe convolution.withInputs(x, y) { x, y in
            unsafe adit_conv_mismatch(
                &run, &shape, x.assumingMemoryBound(to: Int8.self), y.assumingMemoryBound(to: Int32.self), filters, vectors, Int64(count), &row)
        }
        try KernelCall.check(status)
        return row < 0 ? nil : Int(row)
    }

    package func residuals(_ convolution: Convolution, x: Tensor, y: Tensor, probe: ConvolutionProbe) throws(Problem) -> [RowResidual] {
        guard x.shape == convolution.shapeX, y.shape == convolution.shapeY, x.dtype == .f32, y.dtype == .f32,
            probe.filters.count == convolution.groups * convolution.depth * ColumnProbe.width,
            probe.energies.map({ $0.count == convolution.groups * convolution.depth }) != false,
            probe.x.count == convolution.outputs * ColumnProbe.width, probe.weights.count == convolution.outputs
        else { throw Self.misfit }
        var found = [adit_row_residual](repeating: adit_row_residual(), count: convolution.rows)
        var (run, shape) = (unsafe call.quiet, convolution.shape)
        let status = try unsafe convolution.withInputs(x, y) { x, y in
            let (x, y) = unsafe (x.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self))
            guard let energies = probe.energies else {
                return unsafe adit_conv_residuals(&run, &shape, x, y, probe.filters, nil, probe.x, probe.weights, &found)
            }
            return unsafe adit_conv_residuals(&run, &shape, x, y, probe.filters, energies, probe.x, probe.weights, &found)
        }
        try KernelCall.check(status)
        return found.map { RowResidual(residual: $0.residual, signal: $0.signal, energy: $0.energy, maximum: $0.maximum) }
    }

    package func gather(_ convolution: Convolution, x: Tensor, rows: [Int]) throws(Problem) -> Tensor {
        guard x.shape == convolution.shapeX, x.dtype == .f32 else { throw Self.misfit }
        let result = try Tensor(zeros: try TensorDescriptor(name: "rows", dtype: .f32, shape: [rows.count, convolution.depth]))
        guard !rows.isEmpty else { return result }
        let places = rows.map { Int64($0) }
        var (run, shape) = (unsafe call.quiet, convolution.shape)
        let status = try unsafe convolution.withInputs(x, x) { x, _ throws(Problem) in
            try unsafe result.buffer.withUnsafeMutableBytes { out throws(Problem) in
                guard let out = out.baseAddress else { throw Self.misfit }
                return unsafe adit_conv_gather(
                    &run, &shape, x.assumingMemoryBound(to: Float.self), places, Int64(places.count), out.assumingMemoryBound(to: Float.self))
            }
        }
        try KernelCall.check(status)
        return result
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, outputs: Set<Int>?) throws(Problem) -> Int? {
        try convolution.check(x: x, w: w, y: y)
        var (element, run, shape) = (Int64(-1), unsafe call.quiet, convolution.shape)
        let tolerance = Tolerance(convolution)
        let wanted = outputs.map { outputs in (0..<convolution.outputs).map { outputs.contains($0) } }
        let status = try unsafe convolution.withInputs(x, w) { x, w throws(Problem) in
            try unsafe convolution.withInputs(y, y) { y, _ in
                guard convolution.arithmetic == .f32 else {
                    return unsafe adit_conv_wrong_i8(
                        &run, &shape, x.assumingMemoryBound(to: Int8.self), w.assumingMemoryBound(to: Int8.self), y.assumingMemoryBound(to: Int32.self),
                        &element)
                }
                let (x, w, y) = unsafe (x.assumingMemoryBound(to: Float.self), w.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self))
                guard let wanted else { return unsafe adit_conv_wrong_f32(&run, &shape, x, w, y, nil, tolerance.scale, tolerance.floor, &element) }
                return unsafe adit_conv_wrong_f32(&run, &shape, x, w, y, wanted, tolerance.scale, tolerance.floor, &element)
            }
        }
        try KernelCall.check(status)
        return element < 0 ? nil : Int(element)
    }

    package func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, rows: [Int]) throws(Problem) -> Int? {
        try convolution.check(x: x, w: w, y: y)
        guard convolution.arithmetic == .f32 else { throw Self.misfit }
        let places = rows.map { Int64($0) }
        var (element, run, shape) = (Int64(-1), unsafe call.quiet, convolution.shape)
        let tolerance = Tolerance(convolution)
        let status = try unsafe convolution.withInputs(x, w) { x, w throws(Problem) in
            try unsafe convolution.withInputs(y, y) { y, _ in
                unsafe adit_conv_wrong_rows_f32(
                    &run, &shape, x.assumingMemoryBound(to: Float.self), w.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self), places,
                    Int64(places.count), tolerance.scale, tolerance.floor, &element)
            }
        }
        try KernelCall.check(status)
        return element < 0 ? nil : Int(element)
    }

    private static var misfit: Problem { Problem(.internalError, "the passes' tensors don't fit the convolution") }

    /// `ReferenceConvolution.tolerance` as a line: scale·magnitude + floor.
    private struct Tolerance {
        let floor: Double
        let scale: Double

        init(_ convolution: Convolution) {
            floor = Convolution.tolerance(magnitude: 0, depth: convolution.depth)
            scale = Convolution.tolerance(magnitude: 1, depth: convolution.depth) - floor
        }
    }
}
