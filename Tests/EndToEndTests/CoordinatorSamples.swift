import ChainClient
import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// A small product with its inputs at hand.
struct SampleWork: Sendable {
    let spec: JobSpec
    let inputs: [Tensor]

    /// op(A)·op(B) of seeded tensors, m × k and k × n.
    init(_ dtype: DType = .i8, m: Int = 40, k: Int = 70, n: Int = 30, seed: String = "work", requirements: Requirements = .none) throws {
        let a = try RandomTensor(
            seed: SHA256.hash(utf8: seed + "a"), descriptor: TensorDescriptor(name: "a", dtype: dtype, shape: [m, k])
        ).generate()
        let b = try RandomTensor(
            seed: SHA256.hash(utf8: seed + "b"), descriptor: TensorDescriptor(name: "b", dtype: dtype, shape: [k, n])
        ).generate()
        inputs = [a, b]
        spec = try JobSpec(
            type: "gemm", params: [:], inputs: inputs.map { InputSpec($0.descriptor, .blob($0.root)) }, requirements: requirements)
    }

    /// The plain definition's output.
    func outputs() throws -> [Tensor] { try spec.kernel().reference(inputs) }
}

/// A worker as the coordinator sees one; it computes by the plain definition.
struct TestWorker: Sendable {
    let key: PrivateKey
    let payout: Address
    let client: CoordinatorClient

    func registration(memoryBytes: Int64, tier: Tier, devices: Int = 1) -> WorkerRegistration {
        WorkerRegistration(
            publicKey: key.publicKey, payout: payout, tier: tier,
            profile: WorkerProfile(
                cpuModel: "test", cores: 2, isa: ["avx2"], memoryBytes: memoryBytes,
                devices: (0..<devices).map { WorkerDevice(kind: $0 == 0 ? "cpu" : "gpu", name: "test \($0)", memoryBytes: memoryBytes) },
                f32FlopsPerSecond: 1_000_000_000, memoryBytesPerSecond: 1_000_000_000, blasCore: nil, softwareVersion: "0.1.0"))
    }

    /// The one lease that there is.
    func lease(wait: Int = 0) async throws -> Lease {
        guard let lease = try await client.lease(max: 1, waitSeconds: wait).first else { throw Problem(.notReady, "no lease") }
        return lease
    }

    /// Uploads outputs and gives the result that commits to them, unsent.
    func result(_ lease: Lease, _ outputs: [Tensor]) async throws -> LeaseResult {
        for tensor in outputs { try await client.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
        return try signedResult(lease, outputs.map { OutputTensor($0.descriptor, root: $0.root) })
    }

    /// The result that commits to these outputs, wherever their bytes are.
    func signedResult(_ lease: Lease, _ outputs: [OutputTensor]) throws -> LeaseResult {
        let kernel = try lease.spec.kernel()
        let output = OutputMetadata(specHash: lease.spec.hash, kernel: lease.spec.type, arithmetic: kernel.arithmetic, outputs: outputs)
        let terms = try lease.terms(miner: key.address, outputHash: output.hash)
        return LeaseResult(
            fence: lease.fence, output: output, receipt: SignedReceipt(signing: terms, with: key, on: lease.chain),
            timing: WorkTiming(computeMicroseconds: 1000, inputMicroseconds: 10, outputMicroseconds: 10), device: "test")
    }

    /// The same outputs with one bit of one element changed.
    static func altered(_ outputs: [Tensor]) throws -> [Tensor] {
        try outputs.map { tensor in
            var bytes = tensor.buffer.bytes
            bytes[bytes.count / 2] ^= 1
            return try Tensor(tensor.descriptor, try TensorBuffer(bytes))
        }
    }
}
