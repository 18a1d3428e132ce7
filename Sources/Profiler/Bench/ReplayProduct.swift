package import Kernels
package import Wire

/// A product of seeded matrices with the root of what came out: anybody can compute it again, on any machine, and compare to the bit.
package struct ReplayProduct: Sendable, Equatable {
    /// Reproducible to the bit: `f32-panel256`, `f64-panel256` or `i32-exact`.
    package let arithmetic: Arithmetic
    package let n: Int
    package let seed: Digest
    package let root: Digest
    /// Operations per second of the best run there.
    package let perSecond: Int64

    /// 4096³ is the most that is computed again for a stranger's file: half a second at 250 GFLOP/s, and 400 MB in F64.
    package static let largest = 4_096
    package static let arithmetics: [Arithmetic] = [.f32Panel256, .f64Panel256, .i32Exact]

    /// Computes the product of a seed; the best of some runs tells the rate.
    ///
    /// - Returns: nil where the backend doesn't offer the arithmetic.
    /// - Throws: what the backend throws; `memory_limit`.
    package static func run(
        _ arithmetic: Arithmetic, n: Int, seed: Digest, on backend: any ComputeBackend, limit: Int, runs: Int = 5
    ) throws(Problem) -> ReplayProduct? {
        let gemm = try GEMM(m: n, n: n, k: n, arithmetic: arithmetic)
        guard backend.capability(for: gemm) != nil else { return nil }
        let a = try operand("a", gemm, seed, limit)
        let b = try operand("b", gemm, seed, limit)
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC), limit: limit)
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<max(1, runs) {
            let start = clock.now
            try backend.run(gemm, a: a, b: b, into: c, control: .none)
            best = min(best, (clock.now - start).seconds)
        }
        let speed = Int64(exactly: min(Double(gemm.operations) / max(best, 1e-9), 9e15).rounded()) ?? 0
        return ReplayProduct(arithmetic: arithmetic, n: n, seed: seed, root: c.root, perSecond: speed)
    }

    /// Both operands follow from one seed, by PROTOCOL section 9's rule for random tensors.
    private static func operand(_ name: String, _ gemm: GEMM, _ seed: Digest, _ limit: Int) throws(Problem) -> Tensor {
        let descriptor = try TensorDescriptor(name: name, dtype: gemm.inputDType, shape: name == "a" ? gemm.shapeA : gemm.shapeB)
        return try RandomTensor(seed: SHA256.hash(utf8: "adit.bench.replay.\(name).\(seed.hex)"), descriptor: descriptor).generate(limit: limit)
    }

    private init(arithmetic: Arithmetic, n: Int, seed: Digest, root: Digest, perSecond: Int64) {
        (self.arithmetic, self.n, self.seed, self.root, self.perSecond) = (arithmetic, n, seed, root, perSecond)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "product")
        let name = try fields.string("arithmetic", maxBytes: 32)
        guard let arithmetic = Arithmetic(rawValue: name), Self.arithmetics.contains(arithmetic) else {
            throw Problem(.outOfRange, "\"\(name)\" is no arithmetic that gives the same bits everywhere")
        }
        self.arithmetic = arithmetic
        n = Int(try fields.integer("n", in: 1...Int64(Self.largest)))
        seed = try fields.digest("seed")
        root = try fields.digest("root")
        perSecond = try fields.integer("perSecond")
        try fields.finish()
    }

    package var json: JSON {
        [
            "arithmetic": .string(arithmetic.rawValue), "n": .integer(Int64(n)), "seed": .string(seed.hex), "root": .string(root.hex),
            "perSecond": .integer(perSecond),
        ]
    }
}
