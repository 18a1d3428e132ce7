package import Wire

/// A reduction of real numbers along some of a tensor's axes, checked once; what has integers as its result is an `ExactReduction`.
///
/// The elements of an output's cell are taken in row-major order of the reduced axes, in panels of 256, as `ComputeChain` takes a whole tensor's: a
/// panel from its start (0, for a product 1, for min +∞, for max −∞) in ascending order, the panels joined in ascending order; a mean is the
/// sum divided by the count. −0 is written +0, every NaN as the canonical one.
package struct Reduction: Sendable, Hashable {
    /// One of the reductions among them.
    package let step: ComputeStep
    /// F32 or F64.
    package let dtype: DType
    package let axes: ReducedAxes

    /// - Throws: `unsupported_dtype`; `bad_params` for a step that is no reduction, for no axis or one twice; `out_of_range` for one that isn't there;
    ///   `shape_mismatch` for a mean, least or largest of nothing.
    package init(_ step: ComputeStep, dtype: DType, shape: [Int], axes: [Int], keepsDimensions: Bool) throws(Problem) {
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "a \(step.rawValue) is of F32 or F64, not \(dtype.rawValue)") }
        guard step.isReduction else { throw Problem(.badParams, "\(step.rawValue) is no reduction") }
        (self.step, self.dtype) = (step, dtype)
        self.axes = try ReducedAxes(shape, axes, keepsDimensions: keepsDimensions)
        guard self.axes.reducedCount > 0 || step.takesNothing else {
            throw Problem(.shapeMismatch, "there is no \(step.rawValue) of nothing: an axis is empty")
        }
    }

    package var operations: Int64 { Int64(axes.elementCount) }
    package var arithmetic: Arithmetic { dtype == .f64 ? .f64Panel256 : .f32Panel256 }

    /// Elements of each cell's reduction.
    package var reducedCount: Int { axes.reducedCount }
    package var outputCount: Int { axes.outputCount }

    /// Sizes and strides in elements, outermost first.
    package var keptDimensions: [(size: Int, stride: Int)] { axes.keptDimensions }
    package var reducedDimensions: [(size: Int, stride: Int)] { axes.reducedDimensions }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends and passes call it before they touch memory.
    package func check(x: Tensor, y: Tensor) throws(Problem) {
        guard x.dtype == dtype, x.shape == axes.shape, y.dtype == dtype, y.descriptor.elementCount == outputCount else {
            throw Problem(.shapeMismatch, "tensors \(x.shape) and \(y.shape) are not this reduction's")
        }
    }

    // MARK: the definition

    /// The canonical bits of an output's cell, widened with zeros.
    func bits(_ x: Tensor, cell: Int) -> UInt64 { dtype == .f64 ? bits(Double.self, x, cell) : bits(Float.self, x, cell) }

    private func bits<T: PanelFloat>(_ type: T.Type, _ x: Tensor, _ cell: Int) -> UInt64 {
        let (place, count) = (axes.places(ofCell: cell), reducedCount)
        return x.withElements(as: type) { elements in
            var total: T = step.start(type)
            for start in stride(from: 0, to: count, by: Panel256.length) {
                var panel: T = step.start(type)
                for index in start..<min(start + Panel256.length, count) { panel = step.join(panel, elements[place(index)]) }
                total = start == 0 ? panel : step.join(total, panel)
            }
            return Panel256.canonicalBits(step.finish(total, count: count))
        }
    }
}

extension ComputeBackend {
    package func capability(for reduction: Reduction) -> Capability? { nil }

    package func run(_ reduction: Reduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run reduce")
    }
}

/// The definition, which passes without a faster way use.
extension VerifierPasses {
    package func firstWrong(_ reduction: Reduction, x: Tensor, y: Tensor) throws(Problem) -> Int? {
        (0..<reduction.outputCount).first { y.widenedBits($0) != reduction.bits(x, cell: $0) }
    }
}
