package import Wire

/// The operations of a `compute` job over a tensor of `count` elements, checked once.
///
/// Operations on elements come first; the first reduction leaves one element, on which all later ones work.
package struct ComputeChain: Sendable, Hashable {
    package static let maximumSteps = 32

    package let steps: [ComputeOperation]
    /// F32 or F64: the elements before and after, and the arithmetic of every step.
    package let dtype: DType
    /// Elements of the input.
    package let count: Int
    /// Elements of each other tensor: element i of x meets element i mod that number.
    package let operandCounts: [Int]
    /// Each step times the elements it reads of what it works on.
    package let operations: Int64

    /// - Throws: `bad_params` for no steps or too many; `unsupported_dtype`; `shape_mismatch` for a mean, least or largest of nothing, and for an
    ///   operand whose size doesn't divide that of what it meets; `out_of_range`, also for a constant beyond the format.
    package init(_ steps: [ComputeOperation], dtype: DType, count: Int, operandCounts: [Int] = []) throws(Problem) {
        guard (1...Self.maximumSteps).contains(steps.count) else { throw Problem(.badParams, "a chain has 1 to \(Self.maximumSteps) operations") }
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "compute takes F32 or F64, not \(dtype.rawValue)") }
        guard count >= 0 else { throw Problem(.outOfRange, "a tensor has no negative number of elements") }
        var elements = count
        var operations = 0
        for step in steps {
            operations = try Checked.sum(operations, elements, "the chain's operations")
            if let reduction = step.reduction {
                guard elements > 0 || reduction.takesNothing else {
                    throw Problem(.shapeMismatch, "there is no \(reduction.rawValue) of nothing: the tensor is empty")
                }
                elements = 1
            }
            guard step.constants.allSatisfy({ dtype == .f64 ? $0.isFinite : Float($0).isFinite }) else {
                throw Problem(.outOfRange, "a number of \"\(step.name)\" is beyond \(dtype.rawValue)")
            }
            if case .power(let exponent) = step, !ComputeOperation.exponents.contains(exponent) {
                throw Problem(.outOfRange, "an exponent is in -1024...1024")
            }
            guard case .combine(_, .tensor(let index)) = step else { continue }
            guard operandCounts.indices.contains(index) else { throw Problem(.missingField, "there is no operand \(index)") }
            guard operandCounts[index] > 0 ? elements % operandCounts[index] == 0 : elements == 0 else {
                throw Problem(.shapeMismatch, "an operand of \(operandCounts[index]) elements doesn't fit what is left of x at \"\(step.name)\": \(elements)")
            }
        }
        (self.steps, self.dtype, self.count, self.operandCounts) = (steps, dtype, count, operandCounts)
        self.operations = Int64(operations)
    }

    /// The steps on every element, before anything is reduced.
    package var elementwise: ArraySlice<ComputeOperation> { steps.prefix { $0.reduction == nil } }
    /// The reduction of the whole tensor; nil if the output is as large as the input.
    package var reduction: ComputeStep? {
        for step in steps { if let reduction = step.reduction { return reduction } }
        return nil
    }
    /// The steps on the one element that the reduction left.
    private var closing: ArraySlice<ComputeOperation> { steps.drop { $0.reduction == nil }.dropFirst() }

    package var outputCount: Int { reduction == nil ? count : 1 }

    package var arithmetic: Arithmetic { dtype == .f64 ? .f64Panel256 : .f32Panel256 }

    /// Throws `shape_mismatch` unless the tensors are this chain's. Backends and passes call it before they touch memory.
    package func check(x: Tensor, operands: [Tensor], y: Tensor) throws(Problem) {
        guard operands.count == operandCounts.count else {
            throw Problem(.shapeMismatch, "the chain has \(operandCounts.count) operands, not \(operands.count)")
        }
        for (tensor, count) in [(x, count), (y, outputCount)] + zip(operands, operandCounts) {
            guard tensor.dtype == dtype, tensor.descriptor.elementCount == count else {
                throw Problem(
                    .shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the chain needs \(count) of \(dtype.rawValue)")
            }
        }
    }
}

// MARK: the definition

extension ComputeChain {
    /// Gives the output's canonical bits in order, widened with zeros, until `body` says false: the definition, in plain Swift.
    ///
    /// Elements are taken in panels of 256. A reduction joins those of a panel in ascending order, from its own start (0, for a
    /// product 1), and then panel 0 with each next one, every time rounded once: for a sum this is panel-256 with fma(x, 1, acc).
    /// After each step −0 becomes +0; at the end every NaN becomes the canonical one. Memory: one panel.
    func bits(_ x: Tensor, _ operands: [Tensor] = [], _ body: (Int, UInt64) -> Bool) {
        if dtype == .f64 { bits(Double.self, x, operands, body) } else { bits(Float.self, x, operands, body) }
    }

    /// Those of one element of the output.
    func bits(_ x: Tensor, _ operands: [Tensor], at index: Int) -> UInt64 {
        guard reduction == nil else {
            var result: UInt64 = 0
            bits(x, operands) { _, bits in
                result = bits
                return false
            }
            return result
        }
        return dtype == .f64
            ? Panel256.canonicalBits(value(x.withElements(as: Double.self) { $0[index] }, index, operands))
            : Panel256.canonicalBits(value(x.withElements(as: Float.self) { $0[index] }, index, operands))
    }

    private func bits<T: PanelFloat>(_ type: T.Type, _ x: Tensor, _ operands: [Tensor], _ body: (Int, UInt64) -> Bool) {
        let reduced = x.withElements(as: type) { elements -> T? in
            guard let reduction else {
                for index in elements.indices where !body(index, Panel256.canonicalBits(value(elements[index], index, operands))) { return nil }
                return nil
            }
            var total: T = reduction.start(type)
            for start in stride(from: 0, to: count, by: Panel256.length) {
                var panel: T = reduction.start(type)
                for index in start..<Swift.min(start + Panel256.length, count) {
                    panel = reduction.join(panel, value(elements[index], index, operands))
                }
                total = start == 0 ? panel : reduction.join(total, panel)
            }
            return close(reduction.finish(total, count: count), operands)
        }
        if let reduced { _ = body(0, Panel256.canonicalBits(reduced)) }
    }

    /// Element `index` after the steps on every element.
    private func value<T: PanelFloat>(_ x: T, _ index: Int, _ operands: [Tensor]) -> T {
        elementwise.reduce(x) { value, step in
            step.apply(value) { operand in operands[operand].withElements(as: T.self) { $0[index % operandCounts[operand]] } }
        }
    }

    /// The steps after the first reduction, on one element: a reduction of one is that one.
    private func close<T: PanelFloat>(_ value: T, _ operands: [Tensor]) -> T {
        closing.reduce(value) { value, step in step.apply(value) { operand in operands[operand].withElements(as: T.self) { $0[0] } } }
    }

    /// The output's canonical bits, widened with zeros, from the accumulators of all panels in order, as `bits` makes them.
    ///
    /// For backends that reduce panels themselves. The chain has a reduction.
    package func bits(joining panels: [Float], _ operands: [Tensor]) -> UInt64 { joined(panels, operands) }
    package func bits(joining panels: [Double], _ operands: [Tensor]) -> UInt64 { joined(panels, operands) }

    private func joined<T: PanelFloat>(_ panels: [T], _ operands: [Tensor]) -> UInt64 {
        guard let reduction else { return 0 }
        let total = panels.dropFirst().reduce(panels.first ?? reduction.start(T.self)) { reduction.join($0, $1) }
        return Panel256.canonicalBits(close(reduction.finish(total, count: count), operands))
    }
}
