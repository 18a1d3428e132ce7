import CKernels
import Kernels
import Wire

/// Known answers, run on this machine before its first job: a compiler's, a processor's or an emulator's mistake is found here.
enum SelfTest {
    /// The roots of C for the products of `cases`, by the plain definition (a test recomputes them).
    static let answers: [String] = [
        "cd294bdc12ebfa065698c4755132bac733d77d997f9459bd8051f07c2f09eae0",
        "0be42454688179bf6a20a3e7b2bdcacf56dbcc9d1962a98536ba1bdf9713f337",
        "2496290c93b5854c7a317563b95d10198d1600f1b21030d14827a3cf9e887e62",
        "00883093aa62fde426168a17894cf31bbae14861f67146fe95f127853e72ba68",
        "94ea63e8b516acc5e27e1987a93cfa71ceca3003faff2ca0f2459265e74d5b4e",
        "2725ab6f4ee5fd88c6c34bf22c98a8f4398430e97ca96ac14e2fb5bfa635371a",
        "31b8c8d8c8fe4ef7fd0ae9515b6545841086b59a64b534e6496fb34ade7739ef",
        "954bf3f6eb2a6ec3dea96cc641da5da213d66614d8dce2d407e0ef80b7a5b4c9",
        "710b6cd5a4b73feabe0c29708c295ba5ed8d578259961bceaf6c437b98821d13",
        "e82ec65e0b11f1a3a8ed835173fd4d91b5c419de7f06a10bdd2deb10b95d560f",
        "a0342c31b3b718cf1f4962a7c70ea748bea4488af6d5106e1c5d57a82825fe3f",
        "1b686fa44e17fdc67352ed86b0613d1b904521b2c9ac0e79748b351eaac5adde",
    ]

    /// Shapes with whole and cut register tiles of every path, several panels and each combination of transposes.
    static func cases() throws(Problem) -> [GEMM] {
        var cases: [GEMM] = []
        for arithmetic in [Arithmetic.i32Exact, .f32Panel256, .f64Panel256] {
            for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
                cases.append(try GEMM(m: 43, n: 71, k: 521, transposeA: transposeA, transposeB: transposeB, arithmetic: arithmetic))
            }
        }
        return cases
    }

    /// Numbers of all sizes: magnitudes spread so widely that some products are subnormal, some signs, zeros, a NaN and an infinity.
    static func operand(_ name: String, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        let seed = SHA256.hash(utf8: "adit self-test \(name) \(dtype.rawValue)")
        let tensor = try RandomTensor(seed: seed, descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
        switch dtype {
        case .f32: spread(tensor, Float.self, step: 16, special: name == "b")
        case .f64: spread(tensor, Double.self, step: 128, special: name == "b")
        default: break
        }
        return tensor
    }

    private static func spread<T: BinaryFloatingPoint & BitwiseCopyable>(_ tensor: Tensor, _ type: T.Type, step: Int, special: Bool) {
        tensor.withMutableElements(as: type) { elements in
            for index in elements.indices {
                elements[index] *= T(sign: .plus, exponent: T.Exponent(-step * (index % 5)), significand: 1)
                if index % 11 == 0 { elements[index] = 0 }
            }
            if special, elements.count > 100 {
                elements[3] = .infinity
                elements[100] = .nan
            }
        }
    }

    /// Whether a path gives the known answers, with one thread and with two, and its exact passes agree with the plain ones.
    static func passes(_ instructionSet: InstructionSet) -> Bool {
        do throws(Problem) {
            let cases = try cases()
            guard cases.count == answers.count else { return false }
            for (gemm, answer) in zip(cases, answers) {
                let a = try operand("a", gemm.inputDType, gemm.shapeA)
                let b = try operand("b", gemm.inputDType, gemm.shapeB)
                for threads in [1, 2] {
                    let backend = try NativeGEMM(threads: threads, instructionSet: instructionSet, isMeasured: false)
                    let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
                    try backend.run(gemm, a: a, b: b, into: c, control: .none)
                    guard c.root.hex == answer else { return false }
                }
            }
            guard try fieldPassesAgree(instructionSet) else { return false }
            return try otherProductsAgree(instructionSet)
        } catch {
            return false
        }
    }

    /// Batches, which small products run in by ways of their own, against products that stand alone; and BF16 of small whole numbers, whose
    /// sums are exact in any order, against I8.
    private static func otherProductsAgree(_ instructionSet: InstructionSet) throws(Problem) -> Bool {
        let backend = try NativeGEMM(threads: 2, instructionSet: instructionSet, isMeasured: false)
        for (m, n, k) in [(16, 16, 16), (32, 32, 32), (7, 37, 300)] {
            for arithmetic in [Arithmetic.i32Exact, .f32Panel256, .f64Panel256] {
                let gemm = try GEMM(m: m, n: n, k: k, transposeB: true, batch: 5, arithmetic: arithmetic)
                let a = try operand("a", gemm.inputDType, gemm.shapeA), b = try operand("b", gemm.inputDType, gemm.shapeB)
                let c = try output(gemm)
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
                var alone: [UInt8] = []
                for index in 0..<5 {
                    let one = try output(gemm.single)
                    let (x, y) = (try part(a, index, 5, gemm.single.shapeA), try part(b, index, 5, gemm.single.shapeB))
                    try backend.run(gemm.single, a: x, b: y, into: one, control: .none)
                    alone += one.buffer.bytes
                }
                guard c.buffer.bytes == alone else { return false }
            }
        }
        let integers = try GEMM(m: 43, n: 71, k: 521, transposeA: true, arithmetic: .i32Exact)
        let halves = try GEMM(m: 43, n: 71, k: 521, transposeA: true, arithmetic: .bf16F32)
        let a = try operand("a", .i8, integers.shapeA), b = try operand("b", .i8, integers.shapeB)
        let (exact, found) = (try output(integers), try output(halves))
        try backend.run(integers, a: a, b: b, into: exact, control: .none)
        try backend.run(halves, a: try widened(a), b: try widened(b), into: found, control: .none)
        return exact.withElements(as: Int32.self) { exact in
            found.withElements(as: Float.self) { found in exact.indices.allSatisfy { Float(exact[$0]) == found[$0] } }
        }
    }

    private static func output(_ gemm: GEMM) throws(Problem) -> Tensor {
        try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
    }

    /// One of `count` equal parts of a tensor.
    private static func part(_ tensor: Tensor, _ index: Int, _ count: Int, _ shape: [Int]) throws(Problem) -> Tensor {
        let size = tensor.descriptor.byteCount / count
        let bytes = Array(tensor.buffer.bytes[index * size..<(index + 1) * size])
        return try Tensor(try TensorDescriptor(name: tensor.name, dtype: tensor.dtype, shape: shape), try TensorBuffer(bytes))
    }

    /// The same whole numbers in BF16, which has eight significant bits.
    private static func widened(_ tensor: Tensor) throws(Problem) -> Tensor {
        let halves = try Tensor(zeros: try TensorDescriptor(name: tensor.name, dtype: .bf16, shape: tensor.shape))
        tensor.withElements(as: Int8.self) { numbers in
            halves.withMutableElements(as: UInt16.self) { halves in
                for index in numbers.indices { halves[index] = UInt16(Float(numbers[index]).bitPattern >> 16) }
            }
        }
        return halves
    }

    private static func fieldPassesAgree(_ instructionSet: InstructionSet) throws(Problem) -> Bool {
        let native = NativePasses(call: KernelCall(instructionSet: instructionSet, threads: 1))
        let bytes = try operand("bytes", .i8, [35, 90])
        let words = try Tensor(try TensorDescriptor(name: "words", dtype: .i32, shape: [7, 112]), try TensorBuffer(Array(bytes.buffer.bytes.prefix(3136))))
        var stream = ChaCha20(key: SHA256.hash(utf8: "adit self-test vector")).words(112)
        stream.replaceSubrange(0..<2, with: [MersenneField.modulus - 1, 0])
        for view in [try MatrixView(bytes), try MatrixView(bytes, transposed: true), try MatrixView(words), try MatrixView(words, transposed: true)] {
            let vector = Array(stream.prefix(view.columns))
            guard try native.fieldProduct(view, vector, count: 1) == PlainPasses().fieldProduct(view, vector, count: 1) else { return false }
        }
        return true
    }
}

extension ChaCha20 {
    /// Numbers below 2^61 − 1.
    fileprivate func words(_ count: Int) -> [UInt64] { (0..<count).map { _ in nextUInt64() % MersenneField.modulus } }
}
