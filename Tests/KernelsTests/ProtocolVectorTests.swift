import Foundation
import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite(.enabled(if: Vectors.present, Vectors.missing))
struct ProtocolVectorTests {
    private func random(_ json: JSON?, _ name: String) throws -> Tensor {
        try RandomTensor(try #require(json), name: name).generate()
    }

    private func product(_ vector: JSON) throws -> (kernel: any Kernel, inputs: [Tensor], output: Tensor) {
        let inputs = [try random(vector["a"], "a"), try random(vector["b"], "b")]
        let kernel = try KernelRegistry.kernel("gemm", params: [:], inputs: inputs.map(\.descriptor))
        return (kernel, inputs, try #require(try kernel.reference(inputs).first))
    }

    @Test func `panel-256 products`() throws {
        let vectors = try Vectors.protocolCases("panel256")
        #expect(vectors.count >= 6)
        for vector in vectors {
            let (kernel, inputs, output) = try product(vector)
            let expected = try #require(vector["c_bits"]?.arrayValue).map { UInt32($0.stringValue ?? "", radix: 16) }
            #expect(output.values(UInt32.self) == expected)
            #expect(output.root.hex == vector["root"]?.stringValue)
            #expect(kernel.arithmetic == .f32Panel256)
            let challenge = try Challenge(Array(0..<32))
            #expect(try kernel.verify(inputs, [output], challenge: challenge, passes: PlainPasses()).isAccepted)
        }
    }

    @Test func `I8 products`() throws {
        let vectors = try Vectors.protocolCases("i8_gemm")
        #expect(vectors.count >= 2)
        for vector in vectors {
            let (_, _, output) = try product(vector)
            let expected = try #require(vector["c"]?.arrayValue).map { $0.doubleValue.map { Int32($0) } }
            #expect(output.values(Int32.self) == expected)
            #expect(output.root.hex == vector["root"]?.stringValue)
        }
    }

    @Test func `random tensors`() throws {
        let vectors = try Vectors.protocolCases("random_tensors")
        #expect(vectors.count >= 5)
        for vector in vectors {
            let tensor = try random(vector["random"], "x")
            #expect(tensor.root.hex == vector["root"]?.stringValue)
            let expected = try #require(vector["values"]?.arrayValue).map { Double($0.stringValue ?? "") }
            let values: [Double] =
                switch tensor.dtype {
                case .i8: tensor.values(Int8.self).map { Double($0) }
                case .f32: tensor.values(Float.self).map { Double("\($0)") ?? .nan }
                case .f64: tensor.values(Double.self)
                case .bf16: tensor.values(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
                case .i32, .i64: []
                }
            #expect(Array(values.prefix(expected.count)) == expected)
        }
    }
}
