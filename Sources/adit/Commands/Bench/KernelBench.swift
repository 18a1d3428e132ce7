import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Wire

/// One job of random numbers, and its three costs: computing, checking, and computing with commitment and signature.
///
/// Everything runs on the caller's thread and the backend's own.
struct KernelBench: Sendable {
    enum Part: String, CaseIterable, Hashable { case kernel, check, job }

    let kernel: any Kernel
    let backend: any ComputeBackend
    /// What did the work: the backend's device, or the one that it chose among several.
    let device: String
    private let inputs: [Tensor]
    private let outputs: [Tensor]
    private let passes: any VerifierPasses
    private let key: PrivateKey

    /// Computes the job once, so that there is something to check.
    ///
    /// - Parameters:
    ///   - inputs: what the kernel was made from, in any order.
    ///   - backend: by name; nil for the one that a miner would choose.
    /// - Throws: `unsupported_dtype` where no device of the hardware can do it; `bad_params` for a backend that isn't there; `memory_limit`.
    init(_ kernel: any Kernel, inputs: [Tensor], hardware: Hardware, backend name: String? = nil) throws(Problem) {
        self.kernel = kernel
        let named = name == nil ? hardware.backends : (hardware.backends + hardware.members).filter { $0.name == name }
        guard !named.isEmpty else {
            let names = (hardware.backends + hardware.members).map(\.name).joined(separator: ", ")
            throw Problem(.badParams, "no backend \"\(name ?? "")\" here; there are \(names)")
        }
        guard
            let best = named.max(by: {
                (kernel.capability(on: $0)?.operationsPerSecond ?? -1) < (kernel.capability(on: $1)?.operationsPerSecond ?? -1)
            }), kernel.capability(on: best) != nil
        else { throw Problem(.unsupportedDtype, "no device here runs \(kernel.name) in \(kernel.arithmetic.rawValue)") }
        backend = best
        self.inputs = inputs
        let used = DeviceName()
        outputs = try kernel.run(inputs, on: best, control: RunControl(named: { used.note($0) }), limit: .max)
        device = used.text ?? best.device
        passes = try Hardware.passes()
        key = try PrivateKey.generate()
    }

    /// The times of the runs that fit into `budget`; at least one.
    ///
    /// - Throws: `internal_error` if a check refuses the output.
    func measure(_ part: Part, for budget: Duration) throws(Problem) -> [Duration] {
        let clock = ContinuousClock()
        let start = clock.now
        var times: [Duration] = []
        repeat {
            let begin = clock.now
            switch part {
            case .kernel: try kernel.run(inputs, into: outputs, on: backend, control: .none)
            case .check: try check()
            case .job: try job()
            }
            times.append(clock.now - begin)
        } while clock.now - start < budget
        return times
    }

    private func check() throws(Problem) {
        let challenge = try Challenge(SecureRandom.bytes(Challenge.byteCount))
        let report = try kernel.verify(inputs, outputs, challenge: challenge, passes: passes)
        guard report.isAccepted else { throw Problem(.internalError, "the check refused an honest output: \(report.refusal?.reason ?? "")") }
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

/// The last device that a run named.
private final class DeviceName: Sendable {
    private let name = Mutex<String?>(nil)
    var text: String? { name.withLock { $0 } }
    func note(_ device: String) { name.withLock { $0 = device } }
}
