import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Bias and activation: every path gives the definition's bits, and the passes find the first cell that isn't.
@Suite struct EpilogueTests {
    static let shapes = [(0, 3), (3, 0), (1, 1), (7, 1), (5, 13), (300, 10), (3, 511), (3, 512), (2, 2500), (33, 1031), (1, 20_000)]

    @Test(arguments: Activation.allCases, [DType.f32, .f64])
    func `bits and their check`(activation: Activation, dtype: DType) throws {
        for (index, (rows, columns)) in Self.shapes.enumerated() {
            for hasBias in [false, true] {
                let epilogue = try Epilogue(activation: activation, hasBias: hasBias, dtype: dtype, rows: rows, columns: columns)
                let data = Data.allCases[index % Data.allCases.count]
                let product = try Self.tensor(dtype, [rows, columns], data, 1)
                let bias = hasBias ? try Self.tensor(dtype, [columns], data, 2) : nil
                let expected = try Tensor(zeros: product.descriptor)
                epilogue.fill(expected, product: product, bias: bias)
                for backend in Backends.native {
                    let c = try expected.copy { tensor in
                        unsafe tensor.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xAB) }
                    }
                    try backend.run(epilogue, product: product, bias: bias, into: c, control: .none)
                    #expect(c.buffer.bytes == expected.buffer.bytes, "\(backend.device) \(rows)×\(columns) \(data)")
                }
                for instructionSet in NativePassesTests.instructionSets {
                    let passes: [any VerifierPasses] = [try NativePasses(threads: 2, instructionSet: instructionSet), PlainPasses()]
                    for passes in passes {
                        #expect(try passes.firstWrong(epilogue, product: product, bias: bias, c: expected) == nil)
                        guard epilogue.count > 0 else { continue }
                        for place in Set([0, epilogue.count / 2, epilogue.count - 1]) {
                            let wrong = try expected.copy { tensor in
                                unsafe tensor.buffer.withUnsafeMutableBytes { raw in unsafe raw[place * dtype.byteCount] ^= 1 }
                                unsafe tensor.buffer.withUnsafeMutableBytes { raw in unsafe raw[raw.count - 1] ^= 0x40 }
                            }
                            #expect(try passes.firstWrong(epilogue, product: product, bias: bias, c: wrong) == place)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: Activation.allCases)
    func `a channel's number for all its positions`(activation: Activation) throws {
        for (index, (images, channels, plane)) in [(1, 1, 7), (2, 3, 1), (2, 5, 49), (1, 3, 1023), (2, 2, 1025), (3, 40, 196), (1, 2, 20_000)].enumerated() {
            let epilogue = try Epilogue(activation: activation, hasBias: index != 1, dtype: .f32, rows: images, columns: channels, plane: plane)
            let product = try Self.tensor(.f32, [images, channels, 1, plane], Data.allCases[index % Data.allCases.count], 1)
            let bias = epilogue.hasBias ? try Self.tensor(.f32, [channels], .normal, 2) : nil
            let expected = try Tensor(zeros: product.descriptor)
            epilogue.fill(expected, product: product, bias: bias)
            for backend in Backends.native {
                let y = try Tensor(zeros: product.descriptor)
                try backend.run(epilogue, product: product, bias: bias, into: y, control: .none)
                #expect(y.buffer.bytes == expected.buffer.bytes, "\(backend.device) \(images)×\(channels)×\(plane)")
            }
            let passes: [any VerifierPasses] = [try NativePasses(threads: 2), PlainPasses()]
            for passes in passes {
                #expect(try passes.firstWrong(epilogue, product: product, bias: bias, c: expected) == nil)
                let place = epilogue.count * 2 / 3
                let wrong = try expected.copy { tensor in
                    unsafe tensor.buffer.withUnsafeMutableBytes { raw in unsafe raw[place * 4] ^= 1 }
                }
                #expect(try passes.firstWrong(epilogue, product: product, bias: bias, c: wrong) == place)
                #expect(try epilogue.refusal(at: place, product: product, bias: bias, c: wrong).cell == Cell(row: 0, column: place))
            }
        }
    }

    @Test func `tensors of other work are refused`() throws {
        let epilogue = try Epilogue(activation: .relu, hasBias: true, dtype: .f32, rows: 2, columns: 3)
        let (six, three) = (try Self.tensor(.f32, [2, 3], .normal, 1), try Self.tensor(.f32, [3], .normal, 1))
        let passes: [any VerifierPasses] = [try NativePasses(), PlainPasses()]
        for passes in passes {
            #expect(throws: Problem.self) { try passes.firstWrong(epilogue, product: six, bias: nil, c: six) }
            #expect(throws: Problem.self) { try passes.firstWrong(epilogue, product: six, bias: six, c: six) }
            #expect(throws: Problem.self) { try passes.firstWrong(epilogue, product: three, bias: three, c: six) }
            #expect(throws: Problem.self) { try passes.firstWrong(epilogue, product: six, bias: three, c: three) }
        }
        #expect(throws: Problem.self) { try Epilogue(activation: .relu, hasBias: true, dtype: .i32, rows: 2, columns: 3) }
    }

    private static func tensor(_ dtype: DType, _ shape: [Int], _ data: Data, _ seed: UInt64) throws -> Tensor {
        let tensor = try Tensor(zeros: try TensorDescriptor(name: "t", dtype: dtype, shape: shape))
        data.fill(tensor, seed: seed)
        return tensor
    }
}
