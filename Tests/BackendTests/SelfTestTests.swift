import Kernels
import Testing
import Wire

@testable import NativeBackend

@Suite struct SelfTestTests {
    /// The answers that stand in the source are the plain definition's.
    @Test func `known answers are the definition's`() throws {
        let answers = try SelfTest.cases().map { gemm in
            let kernel = try GEMMKernel(
                params: ["transpose_a": .bool(gemm.transposeA), "transpose_b": .bool(gemm.transposeB)],
                inputs: [
                    try TensorDescriptor(name: "a", dtype: gemm.inputDType, shape: gemm.shapeA),
                    try TensorDescriptor(name: "b", dtype: gemm.inputDType, shape: gemm.shapeB),
                ])
            let operands = [try SelfTest.operand("a", gemm.inputDType, gemm.shapeA), try SelfTest.operand("b", gemm.inputDType, gemm.shapeB)]
            return try #require(try kernel.reference(operands).first).root.hex
        }
        #expect(answers == SelfTest.answers)
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
    func `every path of this machine gives the known answers`(instructionSet: InstructionSet) {
        #expect(SelfTest.passes(instructionSet))
    }

    @Test func `the best path is available, and an absent one is refused`() throws {
        #expect(try InstructionSet.best().isAvailable)
        for instructionSet in InstructionSet.allCases where !instructionSet.isAvailable {
            #expect { try NativeGEMM(instructionSet: instructionSet) } throws: { ($0 as? Problem)?.code == .backendUnavailable }
        }
    }

    @Test func `speeds are measured`() throws {
        let backend = try NativeGEMM(threads: 1)
        for arithmetic in [Arithmetic.i32Exact, .f32Panel256, .f64Panel256] {
            let speed = backend.capability(for: try GEMM(m: 1, n: 1, k: 1, arithmetic: arithmetic))?.operationsPerSecond
            #expect(try #require(speed) > 1e8)
        }
    }
}
