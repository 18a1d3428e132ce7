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

    /// What its speeds hang on beside the machine, as a text to compare: libraries and drivers with their versions.
    var software: String { get }

    /// The device it runs on, if that is not the CPU.
    var accelerator: Accelerator? { get }

    /// What its device can do at most; nil where that isn't known.
    var roof: (any RoofSource)? { get }

    /// From the next piece of work on at most so many threads compute; nil: as many as at the start. Nothing where a device has no threads of the CPU's.
    func useThreads(atMost threads: Int?)

    /// From the next piece of work on jobs take at most so many bytes of the device's own memory; nil: the share that it gives by itself. What is kept
    /// above that for a next run goes back, once no work holds it. Doesn't wait for work that runs. Nothing where a device has no memory of its own.
    func useMemory(atMost byteCount: Int?)

    /// Gives back what is kept for a next run where none is near: scratch memory, plans, what the allocator holds. Nothing where work runs; the next run
    /// takes it again, which costs milliseconds.
    func rest()

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
