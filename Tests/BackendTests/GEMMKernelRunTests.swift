import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// `gemm` as a job: run on our own kernels, checked by both kinds of passes; and each output with one wrong element refused.
@Suite struct GEMMKernelRunTests {
    struct Case: Sendable {
        let dtype: DType, arithmetic: String?, batch: Int?, bias: Bool, activation: Activation
    }

    static let cases: [Case] = [
        Case(dtype: .i8, arithmetic: nil, batch: 3, bias: false, activation: .none),
        Case(dtype: .f32, arithmetic: nil, batch: 4, bias: true, activation: .relu),
        Case(dtype: .f32, arithmetic: nil, batch: nil, bias: true, activation: .none),
        Case(dtype: .f64, arithmetic: nil, batch: nil, bias: false, activation: .geluTanh),
        Case(dtype: .f32, arithmetic: "free", batch: nil, bias: true, activation: .gelu),
        Case(dtype: .f64, arithmetic: "free", batch: 2, bias: false, activation: .none),
        Case(dtype: .bf16, arithmetic: nil, batch: 2, bias: true, activation: .relu),
    ]

    @Test(arguments: cases)
    func `honest work passes and a wrong element doesn't`(test: Case) throws {
        let (m, n, k) = (37, 41, 67)
        let leading = test.batch.map { [$0] } ?? []
        var inputs = [
            try Self.random("a", test.dtype, leading + [k, m]), try Self.random("b", test.dtype, leading + [k, n]),
        ]
        if test.bias { inputs.append(try Self.random("bias", test.dtype == .f64 ? .f64 : .f32, [n])) }
        var params: [(String, JSON)] = [("transpose_a", true), ("activation", .string(test.activation.rawValue))]
        if let arithmetic = test.arithmetic { params.append(("arithmetic", .string(arithmetic))) }
        let kernel = try GEMMKernel(params: .object(JSONObject(distinct: params)), inputs: inputs.map(\.descriptor))
        let backend = try #require(Backends.native.last)
        #expect(kernel.capability(on: backend)?.arithmetic == kernel.arithmetic)
        let outputs = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 24)
        let reference = try kernel.reference(inputs)
        #expect(outputs.map(\.descriptor) == kernel.outputs && reference.map(\.descriptor) == kernel.outputs)
        if test.dtype != .bf16 { #expect(outputs.map(\.root) == reference.map(\.root)) }
        var random = TestRandom(77)
        let all: [any VerifierPasses] = [PlainPasses(), try NativePasses(threads: 2)]
        for passes in all {
            try kernel.admit(inputs, passes: passes)
            #expect(try kernel.verify(inputs, outputs, challenge: try random.challenge(), passes: passes).isAccepted)
            #expect(try kernel.verify(inputs, reference, challenge: try random.challenge(), passes: passes).isAccepted)
            for wrong in outputs.indices {
                var changed = outputs
                changed[wrong] = try outputs[wrong].copy { tensor in
                    // A high bit of the last element.
                    unsafe tensor.buffer.withUnsafeMutableBytes { raw in unsafe raw[raw.count - 1] ^= 0x41 }
                }
                #expect(try !kernel.verify(inputs, changed, challenge: try random.challenge(), passes: passes).isAccepted, "\(test) output \(wrong)")
            }
        }
    }

    private static func random(_ name: String, _ dtype: DType, _ shape: [Int]) throws -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "run \(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
    }
}
