package import Wire

/// The steps of a `compute` job over a tensor of `count` elements, checked once.
///
/// Steps on elements come first; the first reduction leaves one element, on which all later steps work.
package struct ComputeChain: Sendable, Hashable {
    package static let maximumSteps = 32

    package let steps: [ComputeStep]
    /// F32 or F64: the elements before and after, and the arithmetic of every step.
    package let dtype: DType
    /// Elements of the input.
    package let count: Int
    /// Each step times the elements it reads.
    package let operations: Int64

    /// - Throws: `bad_params` for no steps or too many; `unsupported_dtype`; `shape_mismatch` for a mean, least or largest of nothing; `out_of_range`.
    package init(_ steps: [ComputeStep], dtype: DType, count: Int) throws(Problem) {
        guard (1...Self.maximumSteps).contains(steps.count) else { throw Problem(.badParams, "a chain has 1 to \(Self.maximumSteps) operations") }
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "compute takes F32 or F64, not \(dtype.rawValue)") }
        guard count >= 0 else { throw Problem(.outOfRange, "a tensor has no negative number of elements") }
        var elements = count
        var operations = 0
        for step in steps {
            guard elements > 0 || step.takesNothing else { throw Problem(.shapeMismatch, "there is no \(step.rawValue) of nothing: the tensor is empty") }
            operations = try Checked.sum(operations, elements, "the chain's operations")
            if step.isReduction { elements = 1 }
        }
        (self.steps, self.dtype, self.count) = (steps, dtype, count)
        self.operations = Int64(operations)
    }

    /// The steps on every element, before anything is reduced.
    package var elementwise: ArraySlice<ComputeStep> { steps.prefix { !$0.isReduction } }
    /// The reduction of the whole tensor; nil if the output is as large as the input.
    package var reduction: ComputeStep? { steps.first(where: \.isReduction) }
    /// The steps on the one element that the reduction left.
    private var closing: ArraySlice<ComputeStep> { steps.drop { !$0.isReduction }.dropFirst() }

    package var outputCount: Int { reduction == nil ? count : 1 }

    package var arithmetic: Arithmetic { dtype == .f64 ? .f64Panel256 : .f32Panel256 }

    /// Throws `shape_mismatch` unless the tensors are this chain's. Backends call it before they touch memory.
    package func check(x: Tensor, y: Tensor) throws(Problem) {
        for (tensor, count) in [(x, count), (y, outputCount)] {
            guard tensor.dtype == dtype, tensor.descriptor.elementCount == count else {
                throw Problem(
                    .shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the chain needs \(count) of \(dtype.rawValue)")
            }
        }
    }

    // MARK: the definition

    /// Gives the output's canonical bits in order, widened with zeros, until `body` says false: the definition, in plain Swift.
    ///
    /// Elements are taken in panels of 256. A reduction joins those of a panel in ascending order, from its own start (0, for a
    /// product 1), and then panel 0 with each next one, every time rounded once: for a sum this is panel-256 with fma(x, 1, acc).
    /// After each step −0 becomes +0; at the end every NaN becomes the canonical one. Memory: one panel.
    func bits(_ x: Tensor, _ body: (Int, UInt64) -> Bool) {
        if dtype == .f64 { bits(Double.self, x, body) } else { bits(Float.self, x, body) }
    }

    private func bits<T: PanelFloat>(_ type: T.Type, _ x: Tensor, _ body: (Int, UInt64) -> Bool) {
        let reduced = x.withElements(as: type) { elements -> T? in
            guard let reduction else {
                for index in elements.indices {
                    let value = elementwise.reduce(elements[index]) { $1.apply($0) }
                    if !body(index, Panel256.canonicalBits(value)) { return nil }
                }
                return nil
            }
            var total: T = reduction.start(type)
            for start in stride(from: 0, to: count, by: Panel256.length) {
                var panel: T = reduction.start(type)
                for index in start..<Swift.min(start + Panel256.length, count) {
                    panel = reduction.join(panel, elementwise.reduce(elements[index]) { $1.apply($0) })
                }
                total = start == 0 ? panel : reduction.join(total, panel)
            }
            return close(reduction.finish(total, count: count))
        }
        if let reduced { _ = body(0, Panel256.canonicalBits(reduced)) }
    }

    /// The steps after the first reduction, on one element: a reduction of one is that one.
    private func close<T: PanelFloat>(_ value: T) -> T { closing.reduce(value) { $1.apply($0) } }

    /// The output's canonical bits, widened with zeros, from the accumulators of all panels in order, as `bits` makes them.
    ///
    /// For backends that reduce panels themselves. The chain has a reduction.
    package func bits(joining panels: [Float]) -> UInt64 { joined(panels) }
    package func bits(joining panels: [Double]) -> UInt64 { joined(panels) }

    private func joined<T: PanelFloat>(_ panels: [T]) -> UInt64 {
        guard let reduction else { return 0 }
        let total = panels.dropFirst().reduce(panels.first ?? reduction.start(T.self)) { reduction.join($0, $1) }
        return Panel256.canonicalBits(close(reduction.finish(total, count: count)))
    }
}
