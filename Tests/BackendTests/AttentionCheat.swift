import NativeBackend
import TestSupport
import Wire

@testable import Kernels

/// Ways not to do the work of attention, for the check to find.
enum AttentionCheat: String, CaseIterable, Sendable {
    case tf32 = "Q, K and V rounded to TF32"
    case tf32Values = "V rounded to TF32"
    case bf16 = "Q, K and V rounded to BF16"
    case fp8 = "Q, K and V rounded to 3 bits (FP8)"
    case narrowOutput = "output rounded to BF16"
    case reused = "every other row copied from the one before"
    case fewRows = "1 % of the rows copied from the one before"
    case maskIgnored = "causal mask ignored"
    case maskInvented = "causal mask where there is none"
    case headsSwapped = "two heads swapped"
    case signFlipped = "one head's sign flipped"
    case scaleForgotten = "scale left out"
    case scaleOff = "scale off by 1 %"
    case keyLeftOut = "one key left out"
    case keysSkipped = "last 5 % of the keys left out"
    case meanOnly = "all weights equal"
    case outside = "one output beyond its column's values"

    /// Whether it changes nothing that a job of this kind promises, or can't be done to it.
    func applies(to job: AttentionJob) -> Bool {
        switch self {
        // BF16 inputs are unchanged by these, and BF16 weights blur the last one as much.
        case .tf32, .tf32Values, .bf16, .narrowOutput: job.attention.arithmetic == .f32
        // A hundredth is less than BF16 weights are off by in some rows; a causal mask wants as many keys as queries.
        case .scaleOff: job.attention.arithmetic == .f32
        case .keyLeftOut, .maskIgnored: job.attention.isCausal == (self == .maskIgnored)
        case .maskInvented: !job.attention.isCausal && job.attention.queries == job.attention.keys
        default: true
        }
    }

    func output(_ job: AttentionJob, right: Tensor, on backend: any ComputeBackend, seed: UInt64) throws -> Tensor {
        let (d, queries, rows) = (job.attention.dimension, job.attention.queries, job.attention.rowCount)
        switch self {
        case .tf32: return try narrowed(job, 10, [0, 1, 2]).run(on: backend)
        case .tf32Values: return try narrowed(job, 10, [2]).run(on: backend)
        case .bf16: return try narrowed(job, 7, [0, 1, 2]).run(on: backend)
        case .fp8: return try narrowed(job, 3, [0, 1, 2]).run(on: backend)
        case .narrowOutput: return try right.rounded(toBits: 7)
        case .reused: return try copying(right, d, (1..<rows).filter { $0 % 2 == 1 })
        case .fewRows: return try copying(right, d, chosen(rows / 100, of: rows, seed))
        case .maskIgnored, .maskInvented: return try changed(job, causal: self == .maskInvented).run(on: backend)
        case .headsSwapped:
            return try right.copy { o in
                o.withMutableElements(as: Float.self) { for i in 0..<queries * d { ($0[i], $0[i + queries * d]) = ($0[i + queries * d], $0[i]) } }
            }
        case .signFlipped: return try right.copy { o in o.withMutableElements(as: Float.self) { for i in 0..<queries * d { $0[i].negate() } } }
        case .scaleForgotten: return try changed(job, causal: job.attention.isCausal, scale: "1").run(on: backend)
        case .scaleOff:
            return try changed(job, causal: job.attention.isCausal, scale: JSON.shortest(job.attention.scale * 1.01)).run(on: backend)
        case .keyLeftOut: return try withoutLastKey(job).run(on: backend)
        case .keysSkipped:
            return try AttentionJob(job.kernel, [job.inputs[0], hidden(job.inputs[1], job.attention), job.inputs[2]]).run(on: backend)
        case .meanOnly: return try changed(job, causal: job.attention.isCausal, scale: "1e-12").run(on: backend)
        case .outside: return try right.copy { o in o.withMutableElements(as: Float.self) { $0[Int(seed) % $0.count] = 100 } }
        }
    }

    private func narrowed(_ job: AttentionJob, _ bits: UInt32, _ which: [Int]) throws -> AttentionJob {
        AttentionJob(
            job.kernel,
            try job.inputs.enumerated().map { index, tensor in
                guard which.contains(index) else { return tensor }
                guard tensor.dtype == .bf16 else { return try tensor.rounded(toBits: bits) }
                return try tensor.copy { tensor in
                    tensor.withMutableElements(as: UInt16.self) { words in
                        for i in words.indices {
                            words[i] = UInt16(AttentionSource.rounded(UInt32(words[i]) << 16, keptBits: Int(bits)) >> 16)
                        }
                    }
                }
            })
    }

    private func changed(_ job: AttentionJob, causal: Bool, scale: String? = nil) throws -> AttentionJob {
        var params: [(String, JSON)] = [("causal", .bool(causal))]
        if let scale { params.append(("scale", .string(scale))) }
        return AttentionJob(try AttentionKernel(params: .object(JSONObject(distinct: params)), inputs: job.kernel.inputs), job.inputs)
    }

    /// Keys whose scores vanish beside the rest can't be made by hand; equal ones stand for those that nobody read.
    private func hidden(_ keys: Tensor, _ attention: Attention) throws -> Tensor {
        try keys.copy { keys in
            let (d, count) = (attention.dimension, attention.keys)
            func hide<T: BitwiseCopyable>(_ type: T.Type) {
                keys.withMutableElements(as: type) { elements in
                    for head in 0..<attention.headCount {
                        for j in count - max(1, count / 20)..<count {
                            for c in 0..<d { elements[(head * count + j) * d + c] = elements[head * count * d + c] }
                        }
                    }
                }
            }
            if keys.dtype == .bf16 { hide(UInt16.self) } else { hide(Float.self) }
        }
    }

    private func withoutLastKey(_ job: AttentionJob) throws -> AttentionJob {
        let (d, keys) = (job.attention.dimension, job.attention.keys)
        var inputs = [job.inputs[0]]
        for tensor in job.inputs.dropFirst() {
            let (bytes, size) = (tensor.buffer.bytes, d * tensor.dtype.byteCount)
            var kept: [UInt8] = []
            for head in 0..<job.attention.headCount { kept += bytes[head * keys * size..<((head + 1) * keys - 1) * size] }
            let shape = Array(tensor.shape.dropLast(2)) + [keys - 1, d]
            inputs.append(try Tensor(try TensorDescriptor(name: tensor.name, dtype: tensor.dtype, shape: shape), try TensorBuffer(kept)))
        }
        return AttentionJob(try AttentionKernel(params: ["causal": .bool(false)], inputs: inputs.map(\.descriptor)), inputs)
    }

    private func chosen(_ count: Int, of rows: Int, _ seed: UInt64) -> [Int] {
        var random = TestRandom(seed &+ 99)
        return (0..<count).map { _ in 1 + Int(random.next() % UInt64(rows - 1)) }
    }

    private func copying(_ right: Tensor, _ d: Int, _ rows: [Int]) throws -> Tensor {
        try right.copy { o in
            o.withMutableElements(as: Float.self) { elements in
                for row in rows { for c in 0..<d { elements[row * d + c] = elements[(row - 1) * d + c] } }
            }
        }
    }
}
