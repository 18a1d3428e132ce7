package import Wire

/// Known-answer trials of a library before its products are offered: shapes and data that a wrong order, a lower precision, a saturated
/// sum or a confused layout can't get through, and a judge that gives the right bits.
///
/// - I8: random bytes, and −128 everywhere, whose pairs of products overflow 16 bits.
/// - Reproducible: random floats, in some cases scaled so that products are subnormal, compared to the bit.
/// - Free: integers of up to 11 bits (BF16: 7) times small ones, whose sums any order adds exactly and any lower precision rounds.
package struct ProductTrial: Sendable {
    /// A shape with whole or cut panels; and a batch, or nil.
    package struct Shape: Sendable {
        let m: Int, n: Int, k: Int, batch: Int?
        package init(_ m: Int, _ n: Int, _ k: Int, batch: Int? = nil) { (self.m, self.n, self.k, self.batch) = (m, n, k, batch) }
    }

    /// Thin, odd, one past a panel; small enough for milliseconds.
    package static let general = [
        Shape(1, 1, 1), Shape(1, 70, 300), Shape(67, 1, 129), Shape(3, 5, 2), Shape(33, 47, 257), Shape(70, 65, 260),
    ]
    package static let batches = [Shape(7, 9, 33, batch: 5), Shape(16, 16, 16, batch: 9), Shape(33, 20, 260, batch: 3), Shape(1, 4, 300, batch: 2)]

    /// What the library's calls may throw.
    package typealias Failure = Problem

    private let judge: any ComputeBackend

    /// - Parameter judge: gives the right bits of `f32Panel256`, `f64Panel256` and `i32Exact`.
    package init(judge: any ComputeBackend) { self.judge = judge }

    package static let allTransposes = [(false, false), (false, true), (true, false), (true, true)]

    /// Whether `multiply` gives the right bits for every shape and each pair of transposes.
    ///
    /// - Parameter multiply: computes C by the arithmetic asked for; what it throws counts as failed.
    package func passes(
        _ arithmetic: Arithmetic, _ shapes: [Shape], transposes: [(Bool, Bool)] = allTransposes,
        _ multiply: (GEMM, Tensor, Tensor, Tensor) throws(Failure) -> Void
    ) -> Bool {
        do throws(Problem) {
            for (index, shape) in shapes.enumerated() {
                for (transposeA, transposeB) in transposes {
                    let gemm = try GEMM(
                        m: shape.m, n: shape.n, k: shape.k, transposeA: transposeA, transposeB: transposeB, batch: shape.batch, arithmetic: arithmetic)
                    for variant in 0..<2 {
                        guard try isRight(gemm, seed: 8 * index + variant, variant, multiply) else { return false }
                    }
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func isRight(
        _ gemm: GEMM, seed: Int, _ variant: Int, _ multiply: (GEMM, Tensor, Tensor, Tensor) throws(Problem) -> Void
    ) throws(Problem) -> Bool {
        let a = try operand("a", gemm.inputDType, gemm.shapeA, gemm.arithmetic, seed, wide: variant == 0)
        let b = try operand("b", gemm.inputDType, gemm.shapeB, gemm.arithmetic, seed, wide: gemm.arithmetic == .i32Exact ? variant == 0 : variant == 1)
        let found = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        // A cell that nobody writes must not look like an answer.
        unsafe found.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xA5) }
        let right = try expected(gemm, a, b)
        try multiply(gemm, a, b, found)
        return right == found.buffer.bytes
    }

    /// The judge's bytes, one product at a time, in the arithmetic that is defined to the bit.
    private func expected(_ gemm: GEMM, _ a: Tensor, _ b: Tensor) throws(Problem) -> [UInt8] {
        let arithmetic: Arithmetic =
            switch gemm.arithmetic {
            case .i32Exact: .i32Exact
            case .f32Panel256, .f32, .bf16F32: .f32Panel256
            case .f64Panel256, .f64: .f64Panel256
            }
        let single = try GEMM(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, transposeB: gemm.transposeB, arithmetic: arithmetic)
        let (wideA, wideB) = gemm.arithmetic == .bf16F32 ? (try widened(a), try widened(b)) : (a, b)
        var bytes: [UInt8] = []
        for index in 0..<gemm.count {
            let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: single.outputDType, shape: single.shapeC))
            try judge.run(
                single, a: try element(index, wideA, single.shapeA), b: try element(index, wideB, single.shapeB), into: c, control: .none)
            bytes += c.buffer.bytes
        }
        return bytes
    }

    /// A copy of matrix `index` of a batch, or of the only one.
    private func element(_ index: Int, _ tensor: Tensor, _ shape: [Int]) throws(Problem) -> Tensor {
        let descriptor = try TensorDescriptor(name: tensor.name, dtype: tensor.dtype, shape: shape)
        let start = index * descriptor.byteCount
        return try Tensor(descriptor, try TensorBuffer(Array(tensor.buffer.bytes[start..<start + descriptor.byteCount])))
    }

    /// BF16 as F32: the upper half of the word.
    private func widened(_ tensor: Tensor) throws(Problem) -> Tensor {
        let wide = try Tensor(zeros: try TensorDescriptor(name: tensor.name, dtype: .f32, shape: tensor.shape))
        tensor.withElements(as: UInt16.self) { halves in
            wide.withMutableElements(as: UInt32.self) { words in for index in words.indices { words[index] = UInt32(halves[index]) << 16 } }
        }
        return wide
    }

    // MARK: data

    private func operand(
        _ name: String, _ dtype: DType, _ shape: [Int], _ arithmetic: Arithmetic, _ seed: Int, wide: Bool
    ) throws(Problem) -> Tensor {
        let tensor = try RandomTensor(
            seed: SHA256.hash(utf8: "product trial \(name) \(seed)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)
        ).generate()
        switch arithmetic {
        case .i32Exact:
            // Whole runs of −128 in both operands, where the sum of two products is 2^15.
            if wide { tensor.withMutableElements(as: Int8.self) { for index in $0.indices where index % 7 != 6 { $0[index] = -128 } } }
        case .f32Panel256:
            if !wide && name == "a" { tensor.withMutableElements(as: Float.self) { for index in $0.indices { $0[index] *= 0x1p-136 } } }
        case .f64Panel256:
            if !wide && name == "a" { tensor.withMutableElements(as: Double.self) { for index in $0.indices { $0[index] *= 0x1p-1060 } } }
        case .f32: tensor.withMutableElements(as: Float.self) { for index in $0.indices { $0[index] = ($0[index] * (wide ? 2047 : 7)).rounded() } }
        case .f64: tensor.withMutableElements(as: Double.self) { for index in $0.indices { $0[index] = ($0[index] * (wide ? 0x1p40 : 7)).rounded() } }
        case .bf16F32:
            // Random BF16 are multiples of 2^−7 in [−1, 1): scaled by 2^7 they are integers of at most 7 bits and a sign.
            tensor.withMutableElements(as: UInt16.self) { halves in
                for index in halves.indices {
                    let value = (Float(bitPattern: UInt32(halves[index]) << 16) * (wide ? 128 : 7)).rounded()
                    halves[index] = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
                }
            }
        }
        return tensor
    }
}
