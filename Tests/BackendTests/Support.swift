import TestSupport
import Testing
import Wire

@testable import Kernels

extension TestRandom {
    mutating func challenge() throws -> Challenge { try Challenge(bytes32()) }
}

/// What operands are filled with.
enum Data: String, CaseIterable, Sendable {
    case normal, uniform, constant, subnormal, huge, special, negativeZero

    func value(_ random: inout TestRandom, _ dtype: DType) -> Double {
        switch self {
        case .normal: random.normal()
        case .uniform: 2 * random.unit() - 1
        case .constant: 0.1
        // Products are subnormal, and some vanish.
        case .subnormal: random.normal() * (dtype == .f64 ? 0x1p-532 : 0x1p-70)
        // Products overflow F32, and F64 nearly.
        case .huge: random.normal() * (dtype == .f64 ? 1e154 : 1e30)
        case .special:
            switch random.next() % 50 {
            case 0: .nan
            case 1: .infinity
            case 2: -.infinity
            default: random.normal()
            }
        case .negativeZero: random.unit() < 0.5 ? -0.0 : (random.next() % 8 == 0 ? -1 : 0)
        }
    }

    func fill(_ tensor: Tensor, seed: UInt64) {
        var random = TestRandom(seed)
        switch tensor.dtype {
        case .f32: tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = Float(value(&random, .f32)) } }
        case .f64: tensor.withMutableElements(as: Double.self) { for i in $0.indices { $0[i] = value(&random, .f64) } }
        case .i32:
            tensor.withMutableElements(as: Int32.self) { for i in $0.indices { $0[i] = self == .constant ? .min : Int32(truncatingIfNeeded: random.next()) } }
        default:
            // The extremes for `constant`, everything otherwise.
            tensor.withMutableElements(as: Int8.self) { for i in $0.indices { $0[i] = self == .constant ? -128 : Int8(truncatingIfNeeded: random.next()) } }
        }
    }
}

/// One product with its operands.
struct Product: Sendable {
    let kernel: GEMMKernel
    let a: Tensor
    let b: Tensor

    var gemm: GEMM { kernel.gemm }

    init(_ dtype: DType, _ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool = false, _ transposeB: Bool = false, _ data: Data = .normal, seed: UInt64 = 1) throws
    {
        kernel = try GEMMKernel(
            params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)],
            inputs: [
                TensorDescriptor(name: "a", dtype: dtype, shape: transposeA ? [k, m] : [m, k]),
                TensorDescriptor(name: "b", dtype: dtype, shape: transposeB ? [n, k] : [k, n]),
            ])
        a = try Tensor(zeros: kernel.inputs[0])
        b = try Tensor(zeros: kernel.inputs[1])
        data.fill(a, seed: seed)
        data.fill(b, seed: seed &+ 1)
    }

    /// The same kernel with other operands.
    init(_ kernel: GEMMKernel, a: Tensor, b: Tensor) { (self.kernel, self.a, self.b) = (kernel, a, b) }

    /// The answer by the plain definition: slow.
    func reference() throws -> Tensor { try #require(try kernel.reference([a, b]).first) }

    /// The answer of a backend, written over poison.
    func run(on backend: any ComputeBackend, control: RunControl = .none) throws -> Tensor {
        let c = try Tensor(zeros: kernel.outputs[0])
        unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xAB) }
        try backend.run(gemm, a: a, b: b, into: c, control: control)
        return c
    }

    func verify(_ c: Tensor, _ challenge: Challenge, _ passes: any VerifierPasses) throws -> VerificationReport {
        try kernel.verify([a, b], [c], challenge: challenge, passes: passes)
    }
}

extension Tensor {
    /// A copy, changed in place.
    func copy(_ change: (Tensor) throws -> Void) throws -> Tensor {
        let copy = try Tensor(descriptor, try TensorBuffer(buffer.bytes))
        try change(copy)
        return copy
    }

    /// A copy with every F32 element rounded to `bits` stored bits of its significand, to nearest.
    func rounded(toBits bits: UInt32) throws -> Tensor {
        let drop = 23 - bits
        return try copy { tensor in
            tensor.withMutableElements(as: UInt32.self) { words in
                for i in words.indices {
                    let half: UInt32 = (1 << (drop - 1)) - 1 + ((words[i] >> drop) & 1)
                    words[i] = (words[i] &+ half) & ~((1 << drop) - 1)
                }
            }
        }
    }
}
