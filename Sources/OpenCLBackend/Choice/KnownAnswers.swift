import Kernels
import Wire

/// Known answers, run on a device before it is offered: a compiler's, a driver's or a chip's mistake is found here.
enum KnownAnswers {
    /// What a kernel's answers show.
    enum Verdict: Sendable, Equatable {
        /// The definition's bits, subnormals, infinities and NaNs included.
        case exact
        /// The bits for ordinary numbers only: a device that flushes subnormals.
        case ordinary
        case wrong
    }

    /// One product with the root of its C.
    struct Case: Sendable {
        let gemm: GEMM
        /// Numbers of all sizes, zeros, a NaN and an infinity; else uniform in [−1, 1).
        let isSpread: Bool
        let root: String
    }

    /// Roots by the definition (a test recomputes them), in the order of `all`.
    static let roots = [
        "a922f274ca530081f7c7c4c9af4a7df660b18d6d9fd9dc31cb92d6752c61a453",
        "923ad7000f66e5cc3aebed3e1176e95cf130da7677fbd2009310f8aa4ef5ba3d",
        "f6011565060d059243a4ea3e6fa7223805aa939e412ccd2fd160f10780ef2440",
        "633ebca83ec806638286c9fef9c46a287f956eefdcb366287ab28d42f4fd0f02",
        "1bcf12295cf7538fbad038ba09b2ac48e12d575f29f983bfae490a2044ec9ae0",
        "f41b6a538c8e44caf0127ab5a49c5eba3937083df376be26efd2dab52b5b0abe",
        "39d498bf973cab22f563d55be74456371081961c3388943cb3a91e9c8b0fad8a",
        "74586a0e3e150fb5ab32871a428718345256c83a32e9e2c3e5db135aa6a1ce28",
        "4a672d2df3356dea3ab6ff754a0feab53ec309ef7a2b3034d38d37f9ff678421",
        "1ccdbbb50fc7001988338c8e598f357ee4f0857308af37f74981ca8f96cc89bc",
    ]

    /// Past a tile in both directions, more than two panels and a cut one; both operands straight, and both transposed.
    static func cases(_ dtype: DType) throws(Problem) -> [Case] {
        try all().filter { $0.gemm.inputDType == dtype }
    }

    static func all() throws(Problem) -> [Case] {
        var cases: [Case] = []
        for (arithmetic, isSpread) in [(Arithmetic.i32Exact, false), (.f32Panel256, false), (.f32Panel256, true), (.f64Panel256, false), (.f64Panel256, true)] {
            for isTransposed in [false, true] {
                let gemm = try GEMM(m: 150, n: 139, k: 521, transposeA: isTransposed, transposeB: isTransposed, arithmetic: arithmetic)
                cases.append(Case(gemm: gemm, isSpread: isSpread, root: roots[cases.count]))
            }
        }
        return cases
    }

    static func operand(_ name: String, _ gemm: GEMM, isSpread: Bool) throws(Problem) -> Tensor {
        let seed = SHA256.hash(utf8: "adit opencl answers \(name) \(gemm.inputDType.rawValue)")
        let shape = name == "a" ? gemm.shapeA : gemm.shapeB
        let tensor = try RandomTensor(seed: seed, descriptor: try TensorDescriptor(name: name, dtype: gemm.inputDType, shape: shape)).generate()
        guard isSpread else { return tensor }
        if gemm.inputDType == .f64 {
            spread(tensor, Double.self, step: 128, special: name == "b")
        } else {
            spread(tensor, Float.self, step: 16, special: name == "b")
        }
        return tensor
    }

    /// Magnitudes so far apart that some products are subnormal.
    private static func spread<T: BinaryFloatingPoint & BitwiseCopyable>(_ tensor: Tensor, _ type: T.Type, step: Int, special: Bool) {
        tensor.withMutableElements(as: type) { elements in
            for index in elements.indices {
                elements[index] *= T(sign: .plus, exponent: T.Exponent(-step * (index % 5)), significand: 1)
                if index % 11 == 0 { elements[index] = 0 }
            }
            if special {
                elements[3] = .infinity
                elements[100] = .nan
            }
        }
    }

    /// - Parameter multiply: runs a product on the device.
    /// - Throws: what the device throws.
    static func judge(_ dtype: DType, _ multiply: (GEMM, Tensor, Tensor, Tensor) throws(Problem) -> Void) throws(Problem) -> Verdict {
        var verdict = Verdict.exact
        for item in try cases(dtype) {
            let a = try operand("a", item.gemm, isSpread: item.isSpread)
            let b = try operand("b", item.gemm, isSpread: item.isSpread)
            let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: item.gemm.outputDType, shape: item.gemm.shapeC))
            try multiply(item.gemm, a, b, c)
            if c.root.hex != item.root {
                guard item.isSpread else { return .wrong }
                verdict = .ordinary
            }
        }
        return verdict
    }
}
