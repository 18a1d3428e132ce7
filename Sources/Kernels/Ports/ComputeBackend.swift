package import Wire

/// A device that runs kernels: a library on the CPU's cores, or an accelerator.
///
/// `run` is synchronous and may take minutes. Callers give it a thread of their own, never one of Swift's shared pool.
/// One backend runs one job at a time; a backend that is called from two threads serialises them itself.
package protocol ComputeBackend: Sendable, NeuralEngine, RegressionEngine {
    /// Stable and lower case, such as `native` or `openblas`.
    var name: String { get }

    /// The device in words, such as the CPU's or GPU's name and its threads.
    var device: String { get }

    /// The device it runs on, if that is not the CPU.
    var accelerator: Accelerator? { get }

    /// What its device can do at most; nil where that isn't known.
    var roof: (any RoofSource)? { get }

    /// What this backend promises for such a product, or nil if it can't keep its arithmetic to the bit.
    func capability(for gemm: GEMM) -> Capability?

    /// Computes C = op(A)·op(B) by `gemm.arithmetic`, to the bit where that says so.
    ///
    /// - Parameters:
    ///   - a: m × k as stored, or k × m if `gemm.transposeA`.
    ///   - b: k × n, or n × k if `gemm.transposeB`.
    ///   - c: m × n; every byte of it is written. Its contents mean nothing if the call throws.
    ///   - control: told of progress and asked for cancellation, at least about once a second.
    /// - Throws: `canceled`; `unsupported_dtype` where `capability(for:)` is nil; `shape_mismatch` if a tensor is not `gemm`'s;
    ///   `memory_limit`; `backend_unavailable` if the device failed.
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such a chain, or nil if it can't do it.
    func capability(for chain: ComputeChain) -> Capability?

    /// Computes y = chain(x), to the bit; for the parameters and problems see the product's `run`.
    func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for what follows a product, or nil if it can't do it.
    func capability(for epilogue: Epilogue) -> Capability?

    /// Computes C = activation(product + bias), to the bit; for the parameters and problems see the product's `run`.
    func run(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, into c: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such rows, or nil if it can't do it.
    func capability(for rows: RowWork) -> Capability?

    /// Computes softmax or layer normalisation, to the bit; for the parameters and problems see the product's `run`.
    func run(_ rows: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, into y: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such a reduction, or nil if it can't do it.
    func capability(for reduction: Reduction) -> Capability?

    /// Reduces x along axes, to the bit; for the parameters and problems see the product's `run`.
    func run(_ reduction: Reduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such a reduction to integers, or nil if it can't do it.
    func capability(for reduction: ExactReduction) -> Capability?

    /// Reduces x along axes; throws `sums_overflow` besides, where a sum is beyond I64. For the parameters and other problems see the product's `run`.
    func run(_ reduction: ExactReduction, x: Tensor, into y: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such attention, or nil if it can't do it.
    func capability(for attention: Attention) -> Capability?

    /// Computes O = softmax(scale·Q·Kᵀ)·V; for the parameters and problems see the product's `run`.
    func run(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, into o: Tensor, control: RunControl) throws(Problem)

    /// What this backend promises for such a training, or for what follows a layer's product, or nil if it can't do it (`NeuralEngine`).
    func capability(for training: TrainingPlan) -> Capability?
    func capability(for layer: LayerOutput) -> Capability?

    /// What this backend promises for a regression's passes (`RegressionEngine`), or nil if it can't do them.
    func capability(for data: RegressionData) -> Capability?

    /// What this backend promises for such a convolution, or nil if it can't do it.
    func capability(for convolution: Convolution) -> Capability?

    /// Computes y = x ∗ w by `convolution.arithmetic`; for the parameters and problems see the product's `run`.
    func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem)
}

/// What a backend promises for one kind of work.
package struct Capability: Sendable, Hashable {
    package let arithmetic: Arithmetic
    /// Arithmetic operations per second, measured on this device on large shapes; nil where nobody measured yet.
    package let operationsPerSecond: Double?

    package init(arithmetic: Arithmetic, operationsPerSecond: Double? = nil) {
        self.arithmetic = arithmetic
        self.operationsPerSecond = operationsPerSecond
    }
}

/// How a long run tells where it is, and learns that nobody wants it any more.
package struct RunControl: Sendable {
    private let report: @Sendable (Double) -> Void
    private let isCanceled: @Sendable () -> Bool
    private let named: @Sendable (String) -> Void

    /// - Parameters:
    ///   - report: gets the done share, 0 to 1, never falling.
    ///   - isCanceled: asked now and then, from the thread that computes; must not block.
    ///   - named: told which device does the work, where a backend chose among several.
    package init(
        report: @escaping @Sendable (Double) -> Void = { _ in }, isCanceled: @escaping @Sendable () -> Bool = { false },
        named: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.report, self.isCanceled, self.named) = (report, isCanceled, named)
    }

    /// Nobody listens, nobody cancels.
    package static let none = RunControl()

    /// The same for one of several pieces of work: its shares become those from `start` to `end`.
    package func part(from start: Double = 0, to end: Double = 1) -> RunControl {
        RunControl(report: { report(min(max(start + $0 * (end - start), 0), 1)) }, isCanceled: isCanceled, named: named)
    }

    /// The same cancellation, and nobody listens.
    package var silent: RunControl { RunControl(isCanceled: isCanceled) }

    /// Called by a backend of several once it knows which of them does the work.
    package func uses(_ device: String) { named(device) }

    /// Called by whoever computes, between two pieces of work. Throws `canceled` to stop it there.
    package func step(_ share: Double) throws(Problem) {
        if isCanceled() { throw Problem(.canceled, "the run was canceled") }
        report(min(max(share, 0), 1))
    }

    /// The control of a part of the work, which begins at `begin` of the whole and is `share` of it.
    package func part(from begin: Double, _ share: Double) -> RunControl {
        part(from: begin, to: begin + share)
    }
}
