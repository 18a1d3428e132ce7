import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// One product n×n×n of random numbers, and its three costs: computing, checking, and computing with commitment and signature.
///
/// Everything runs on the caller's thread and the backend's own.
struct GemmBench: Sendable {
    enum Part: String, CaseIterable, Hashable { case kernel, check, job }

    let n: Int
    let kernel: any Kernel
    let backend: any ComputeBackend
    private let inputs: [Tensor]
    private let output: Tensor
    private let gemm: GEMM
    private let passes: any VerifierPasses
    private let key: PrivateKey

    /// Computes the product once, so that there is something to check.
    ///
    /// - Throws: `unsupported_dtype` where no device of the hardware keeps the arithmetic; `memory_limit`.
    init(n: Int, dtype: DType, hardware: Hardware) throws(Problem) {
        self.n = n
        let descriptors = [try TensorDescriptor(name: "a", dtype: dtype, shape: [n, n]), try TensorDescriptor(name: "b", dtype: dtype, shape: [n, n])]
        let kernel = try GEMMKernel(params: [:], inputs: descriptors)
        self.kernel = kernel
        gemm = kernel.gemm
        guard
            let best = hardware.backends.max(by: {
                (kernel.capability(on: $0)?.operationsPerSecond ?? -1) < (kernel.capability(on: $1)?.operationsPerSecond ?? -1)
            }), kernel.capability(on: best) != nil
        else { throw Problem(.unsupportedDtype, "no device here multiplies \(dtype.rawValue)") }
        backend = best
        var tensors: [Tensor] = []
        for descriptor in descriptors {
            tensors.append(try RandomTensor(seed: SHA256.hash(utf8: "adit.bench.\(descriptor.name)"), descriptor: descriptor).generate())
        }
        inputs = tensors
        output = try Tensor(zeros: kernel.outputs[0])
        try backend.run(gemm, a: tensors[0], b: tensors[1], into: output, control: .none)
        passes = try Hardware.passes()
        key = try PrivateKey.generate()
    }

    /// The times of the runs that fit into `budget`; at least one.
    ///
    /// - Throws: `internal_error` if a check refuses the product.
    func measure(_ part: Part, for budget: Duration) throws(Problem) -> [Duration] {
        let clock = ContinuousClock()
        let start = clock.now
        var times: [Duration] = []
        repeat {
            let begin = clock.now
            switch part {
            case .kernel: try backend.run(gemm, a: inputs[0], b: inputs[1], into: output, control: .none)
            case .check: try check()
            case .job: try job()
            }
            times.append(clock.now - begin)
        } while clock.now - start < budget
        return times
    }

    private func check() throws(Problem) {
        let challenge = try Challenge(SecureRandom.bytes(Challenge.byteCount))
        let report = try kernel.verify(inputs, [output], challenge: challenge, passes: passes)
        guard report.isAccepted else { throw Problem(.internalError, "the check refused an honest product: \(report.refusal?.reason ?? "")") }
    }

    /// What a miner does between inputs in memory and a receipt: output made, hashed and signed for.
    private func job() throws(Problem) {
        let results = try kernel.run(inputs, on: backend, control: .none, limit: .max)
        let metadata = OutputMetadata(
            specHash: SHA256.hash(utf8: "adit.bench"), kernel: kernel.name, arithmetic: kernel.arithmetic,
            outputs: results.map { OutputTensor($0.descriptor, root: $0.root) })
        _ = key.sign(SHA256.hash(utf8: metadata.hash.text))
    }
}
