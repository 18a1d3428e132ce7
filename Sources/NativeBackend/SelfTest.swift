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
            return try fieldPassesAgree(instructionSet)
        } catch {
            return false
        }
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
