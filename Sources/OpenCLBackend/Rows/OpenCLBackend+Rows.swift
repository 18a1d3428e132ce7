package import Kernels
package import Wire

/// Softmax, layer normalisation and reductions: to the bit, in the formats in which the device showed it.
extension OpenCLBackend {
    package func capability(for rows: RowWork) -> Capability? {
        guard rowDTypes.contains(rows.dtype), (try? RowRun.rows(rows, cap: memoryCap, largest: description.largestBuffer)) != nil else { return nil }
        return Capability(arithmetic: rows.arithmetic)
    }

    package func run(_ rows: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, into y: Tensor, control: RunControl) throws(Problem) {
        try rows.check(x: x, gamma: gamma, beta: beta, y: y)
        // One that doesn't fit says so itself, since the cap may have changed.
        guard rowDTypes.contains(rows.dtype) else { throw Problem(.unsupportedDtype, "\(name) does not run these rows") }
        try work { workplace throws(Problem) in try workplace.run(rows, x, gamma, beta, into: y, control) }
    }

    package func capability(for reduction: Reduction) -> Capability? {
        guard rowDTypes.contains(reduction.dtype), ReductionRun.program(reduction) != nil,
            ReductionRun.fits(reduction, cap: memoryCap, largest: description.largestBuffer)
        else { return nil }
        return Capability(arithmetic: reduction.arithmetic)
    }

    package func run(_ reduction: Reduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try reduction.check(x: x, y: y)
        guard rowDTypes.contains(reduction.dtype), ReductionRun.program(reduction) != nil else {
            throw Problem(.unsupportedDtype, "\(name) does not run this reduction")
        }
        try work { workplace throws(Problem) in try workplace.run(reduction, x, into: y, control) }
    }
}

extension Workplace {
    /// Tensors are checked.
    mutating func run(_ work: RowWork, _ x: Tensor, _ gamma: Tensor?, _ beta: Tensor?, into y: Tensor, _ control: RunControl) throws(Problem) {
        try control.step(0)
        if work.rows > 0 {
            let open = try open()
            try RowRun(session: open.session, staging: open.staging, work: work, control: control).run(x, gamma, beta, into: y)
        }
        try control.step(1)
    }

    /// Tensors are checked.
    mutating func run(_ reduction: Reduction, _ x: Tensor, into y: Tensor, _ control: RunControl) throws(Problem) {
        try control.step(0)
        if reduction.outputCount > 0 {
            let open = try open()
            try ReductionRun(session: open.session, staging: open.staging, reduction: reduction, control: control).run(x, into: y)
        }
        try control.step(1)
    }
}

extension EngineChooser {
    /// Whether rows and reductions give the definition's bits here: rows of two panels, along the last and along other axes.
    ///
    /// - Throws: what the device throws.
    func keepsRows(_ dtype: DType, on workplace: inout Workplace) throws(Problem) -> Bool {
        let x = try RandomTensor(
            seed: SHA256.hash(utf8: "adit opencl rows"), descriptor: try TensorDescriptor(name: "x", dtype: dtype, shape: [3, 300])
        ).generate()
        let softmax = try SoftmaxKernel(params: [:], inputs: [x.descriptor])
        let norm = try LayerNormKernel(params: [:], inputs: [x.descriptor])
        let y = try Tensor(zeros: softmax.outputs[0])
        try workplace.run(softmax.work, x, nil, nil, into: y, .none)
        guard try softmax.reference([x]).map(\.root) == [y.root] else { return false }
        try workplace.run(norm.work, x, nil, nil, into: y, .none)
        guard try norm.reference([x]).map(\.root) == [y.root] else { return false }
        for axis in [0, 1] {
            let kernel = try ReduceKernel(params: ["operation": "mean", "axes": [.integer(Int64(axis))]], inputs: [x.descriptor])
            guard case .rounded(let reduction) = kernel.work else { return false }
            let y = try Tensor(zeros: kernel.outputs[0])
            try workplace.run(reduction, x, into: y, .none)
            guard try kernel.reference([x]).map(\.root) == [y.root] else { return false }
        }
        return true
    }
}
