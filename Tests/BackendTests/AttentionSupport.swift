import Kernels
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// What attention's operands are filled with.
enum AttentionData: String, CaseIterable, Sendable {
    /// Standard normal: scores of unit size, weights spread over all keys.
    case normal
    /// V of mean 1: sums grow all the way.
    case positive
    /// Scores in the hundreds: nearly one key takes all.
    case large
    /// All keys alike, all weights equal.
    case constant
    /// A column of V a million times larger, and one of zeros.
    case columns
    /// Values near the bottom of binary32's range.
    case tiny

    func fill(_ inputs: [Tensor], seed: UInt64) {
        var random = TestRandom(seed)
        for (place, tensor) in inputs.enumerated() {
            let d = tensor.shape[3]
            func value(_ index: Int) -> Float {
                let x = random.normal()
                switch (self, place) {
                case (.positive, 2): return Float(x + 1)
                case (.large, 0): return Float(50 * x)
                case (.constant, 1): return 0.3
                case (.columns, 2): return index % d == d - 1 ? Float(1e6 * x) : index % d == 1 ? 0 : Float(x)
                case (.tiny, 2): return Float(x * 1e-36)
                default: return Float(x)
                }
            }
            if tensor.dtype == .bf16 {
                tensor.withMutableElements(as: UInt16.self) { for i in $0.indices { $0[i] = UInt16(value(i).bitPattern >> 16) } }
            } else {
                tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = value(i) } }
            }
        }
    }
}

/// Attention with its operands.
struct AttentionJob: Sendable {
    let kernel: AttentionKernel
    let inputs: [Tensor]
    var attention: Attention { kernel.attention }

    init(
        _ dtype: DType = .f32, heads: Int, queries: Int, keys: Int, d: Int, causal: Bool = false, scale: String? = nil, _ data: AttentionData = .normal,
        seed: UInt64 = 1
    ) throws {
        var params: [(String, JSON)] = [("causal", .bool(causal))]
        if let scale { params.append(("scale", .string(scale))) }
        kernel = try AttentionKernel(
            params: .object(JSONObject(distinct: params)),
            inputs: [
                TensorDescriptor(name: "q", dtype: dtype, shape: [1, heads, queries, d]),
                TensorDescriptor(name: "k", dtype: dtype, shape: [1, heads, keys, d]),
                TensorDescriptor(name: "v", dtype: dtype, shape: [1, heads, keys, d]),
            ])
        inputs = try kernel.inputs.map { try Tensor(zeros: $0) }
        data.fill(inputs, seed: seed)
    }

    /// The same kernel with other operands.
    init(_ kernel: AttentionKernel, _ inputs: [Tensor]) { (self.kernel, self.inputs) = (kernel, inputs) }

    /// The answer of a backend, written over poison.
    func run(on backend: any ComputeBackend, control: RunControl = .none) throws -> Tensor {
        let o = try Tensor(zeros: kernel.outputs[0])
        unsafe o.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xAB) }
        try kernel.run(inputs, into: [o], on: backend, control: control)
        return o
    }

    func report(_ o: Tensor, seed: UInt64 = 1, passes: (any VerifierPasses)? = nil) throws -> VerificationReport {
        var random = TestRandom(seed)
        return try kernel.verify(inputs, [o], challenge: try random.challenge(), passes: try passes ?? NativePasses(threads: 2))
    }

    /// All rows in binary64 and their T², with weights of 1.
    func exact(_ passes: any VerifierPasses) throws -> AttentionRows {
        try passes.attentionRows(
            attention, q: inputs[0], k: inputs[1], v: inputs[2], rows: Array(0..<attention.rowCount),
            weights: Array(repeating: 1, count: attention.headCount * attention.dimension), keptBits: 23)
    }
}
