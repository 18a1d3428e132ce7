package import Wire

/// A tensor's reduction along some of its axes, checked once.
///
/// The elements of an output's cell are taken in row-major order of the reduced axes, in panels of 256, as `ComputeChain` takes a whole tensor's: a
/// panel from its start (0, for a product 1, for min +∞, for max −∞) in ascending order, the panels joined in ascending order; a mean is the
/// sum divided by the count. −0 is written +0, every NaN as the canonical one.
package struct Reduction: Sendable, Hashable {
    /// One of the reductions among them.
    package let step: ComputeStep
    /// F32 or F64.
    package let dtype: DType
    package let shape: [Int]
    /// Ascending.
    package let axes: [Int]
    package let keepsDimensions: Bool
    package let operations: Int64

    /// - Throws: `unsupported_dtype`; `bad_params` for a step that is no reduction, for no axis or one twice; `out_of_range` for one that isn't there;
    ///   `shape_mismatch` for a mean, least or largest of nothing.
    package init(_ step: ComputeStep, dtype: DType, shape: [Int], axes: [Int], keepsDimensions: Bool) throws(Problem) {
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "reduce takes F32 or F64, not \(dtype.rawValue)") }
        guard step.isReduction else { throw Problem(.badParams, "\(step.rawValue) is no reduction") }
        guard !axes.isEmpty, Set(axes).count == axes.count else { throw Problem(.badParams, "axes are one or more, each once") }
        guard axes.allSatisfy({ shape.indices.contains($0) }) else { throw Problem(.outOfRange, "an axis is not in 0..<\(shape.count)") }
        // Every product of some of the sizes is at most this one, also where another size is 0.
        var largest = 1
        for size in shape { largest = try Checked.product(largest, max(size, 1), "the product of the sizes") }
        (self.step, self.dtype, self.shape) = (step, dtype, shape)
        (self.axes, self.keepsDimensions) = (axes.sorted(), keepsDimensions)
        var elements = 1
        for size in shape { elements = try Checked.product(elements, size, "the elements") }
        operations = Int64(elements)
        guard reducedCount > 0 || step.takesNothing else { throw Problem(.shapeMismatch, "there is no \(step.rawValue) of nothing: an axis is empty") }
    }

    package var outputShape: [Int] {
        keepsDimensions ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] }
    }

    package var arithmetic: Arithmetic { dtype == .f64 ? .f64Panel256 : .f32Panel256 }

    private var kept: [Int] { shape.indices.filter { !axes.contains($0) } }
    /// Elements of each cell's reduction.
    package var reducedCount: Int { axes.reduce(1) { $0 * shape[$1] } }
    package var outputCount: Int { kept.reduce(1) { $0 * shape[$1] } }

    /// Sizes and strides in elements, outermost first.
    package var keptDimensions: [(size: Int, stride: Int)] { dimensions(kept) }
    package var reducedDimensions: [(size: Int, stride: Int)] { dimensions(axes) }

    private func dimensions(_ axes: [Int]) -> [(size: Int, stride: Int)] {
        axes.map { axis in (shape[axis], shape[(axis + 1)...].reduce(1, *)) }
    }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends and passes call it before they touch memory.
    package func check(x: Tensor, y: Tensor) throws(Problem) {
        guard x.dtype == dtype, x.shape == shape, y.dtype == dtype, y.descriptor.elementCount == outputCount else {
            throw Problem(.shapeMismatch, "tensors \(x.shape) and \(y.shape) are not this reduction's")
        }
    }

    // MARK: the definition

    /// The canonical bits of an output's cell, widened with zeros.
    func bits(_ x: Tensor, cell: Int) -> UInt64 { dtype == .f64 ? bits(Double.self, x, cell) : bits(Float.self, x, cell) }

    private func bits<T: PanelFloat>(_ type: T.Type, _ x: Tensor, _ cell: Int) -> UInt64 {
        let (base, reduced, count) = (Self.offset(cell, keptDimensions), reducedDimensions, reducedCount)
        return x.withElements(as: type) { elements in
            var total: T = step.start(type)
            for start in stride(from: 0, to: count, by: Panel256.length) {
                var panel: T = step.start(type)
                for index in start..<min(start + Panel256.length, count) { panel = step.join(panel, elements[base + Self.offset(index, reduced)]) }
                total = start == 0 ? panel : step.join(total, panel)
            }
            return Panel256.canonicalBits(step.finish(total, count: count))
        }
    }

    /// Where place `index`, in row-major order of the dimensions, lies.
    private static func offset(_ index: Int, _ dimensions: [(size: Int, stride: Int)]) -> Int {
        var (rest, offset) = (index, 0)
        for (size, stride) in dimensions.reversed() {
            offset += rest % size * stride
            rest /= size
        }
        return offset
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
