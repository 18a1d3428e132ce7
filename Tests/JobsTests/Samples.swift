import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// Well-formed values that tests change one thing of.
enum Samples {
    static let chain = "ait-test-1"

    static func key(_ byte: UInt8) throws -> PrivateKey { try PrivateKey(seed: [UInt8](repeating: byte, count: 32)) }

    /// `gemm` of 4 × 3 and 3 × 2 in F32, `b` random.
    static func spec() throws -> JobSpec {
        let a = try TensorDescriptor(name: "a", dtype: .f32, shape: [4, 3])
        let b = try TensorDescriptor(name: "b", dtype: .f32, shape: [3, 2])
        return try JobSpec(
            type: "gemm", params: [:], inputs: [InputSpec(a, .blob(SHA256.hash(utf8: "a"))), InputSpec(b, .random(seed: SHA256.hash(utf8: "b")))],
            requirements: Requirements(minTier: .inference, cpu: 50, memoryMB: 16, device: "cpu"))
    }

    static func output(_ spec: JobSpec) throws -> OutputMetadata {
        let kernel = try spec.kernel()
        return OutputMetadata(
            specHash: spec.hash, kernel: spec.type, arithmetic: kernel.arithmetic,
            outputs: kernel.outputs.map { OutputTensor($0, root: SHA256.hash(utf8: $0.name)) })
    }

    static func quote(_ spec: JobSpec) throws -> Quote {
        try Quote.signed(
            by: key(1), chain: ChainID(chain), client: key(2).address, specHash: spec.hash, salt: Salt(String(repeating: "ab", count: 16)),
            computeUnits: 100, price: 700, expiresHeight: 50)
    }

    static func lease() throws -> Lease {
        let spec = try spec()
        return Lease(
            id: "lease_1", fence: 1, nonce: try Nonce16(String(repeating: "0c", count: 16)), chain: try ChainID(chain), spec: spec, quote: try quote(spec),
            part: 0, payout: try key(4).address, payment: SHA256.hash(utf8: "payment"), deadlineMilliseconds: 5000, nowMilliseconds: 1000,
            heartbeatMilliseconds: 250)
    }

    static func result() throws -> LeaseResult {
        let lease = try lease()
        let output = try output(lease.spec)
        let terms = try lease.terms(miner: try key(3).address, outputHash: output.hash)
        return LeaseResult(
            fence: 1, output: output, receipt: SignedReceipt(signing: terms, with: try key(3), on: lease.chain),
            timing: WorkTiming(computeMicroseconds: 5, inputMicroseconds: 6, outputMicroseconds: 7), device: "cpu")
    }

    static func profile() -> WorkerProfile {
        WorkerProfile(
            cpuModel: "AMD EPYC", cores: 2, isa: ["avx2", "fma"], memoryBytes: 1 << 30, devices: [WorkerDevice(kind: "cpu", name: "x", memoryBytes: 1 << 30)],
            f32FlopsPerSecond: 200_000_000_000, memoryBytesPerSecond: 40_000_000_000, blasCore: nil, softwareVersion: "0.1.0")
    }
}

extension JSON {
    /// The same object with one member set, or taken away.
    func with(_ key: String, _ value: JSON?) -> JSON {
        var members = objectValue?.members.filter { $0.key != key }.map { ($0.key, $0.value) } ?? []
        if let value { members.append((key, value)) }
        return .object(JSONObject(distinct: members))
    }
}

/// The code of the problem that `body` throws; nil if it throws none.
func code(_ body: () throws -> Void) -> Problem.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? Problem)?.code
    }
}
