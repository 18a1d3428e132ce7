import Kernels
import Synchronization
import Wire

/// The plain-Swift definition as a device: slow, and right.
struct PlainBackend: ComputeBackend {
    let name = "plain"
    let device = "plain Swift"

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        try control.step(0)
        let left = try Tensor(TensorDescriptor(name: "a", dtype: a.dtype, shape: a.shape), a.buffer)
        let right = try Tensor(TensorDescriptor(name: "b", dtype: b.dtype, shape: b.shape), b.buffer)
        let kernel = try GEMMKernel(
            params: ["transpose_a": .bool(gemm.transposeA), "transpose_b": .bool(gemm.transposeB)], inputs: [left.descriptor, right.descriptor])
        let bytes = try kernel.reference([left, right])[0].buffer.bytes
        unsafe c.buffer.withUnsafeMutableBytes { raw in unsafe raw.copyBytes(from: bytes) }
        try control.step(1)
    }
}

/// A device that is right in its self-test and lies about every product of `rows` rows.
struct CheatingBackend: ComputeBackend {
    enum Lie: Sendable, CaseIterable {
        /// The lowest bit of one cell is wrong.
        case oneBit
        /// One cell is off by 1 % of its row's root mean square.
        case onePercent
        /// One row is another row's.
        case row
        /// All terms are summed in one run, without panels.
        case order
        /// Inputs are rounded to TF32's 10, or BF16's 7, bits of fraction.
        case tf32, bf16
    }

    let name = "cheat"
    let device = "a device that lies"
    let rows: Int
    let lie: Lie

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        guard gemm.m == rows else { return try PlainBackend().run(gemm, a: a, b: b, into: c, control: control) }
        switch lie {
        case .tf32: try PlainBackend().run(gemm, a: try rounded(a, keeping: 10), b: try rounded(b, keeping: 10), into: c, control: control)
        case .bf16: try PlainBackend().run(gemm, a: try rounded(a, keeping: 7), b: try rounded(b, keeping: 7), into: c, control: control)
        case .oneBit, .onePercent, .row, .order:
            try PlainBackend().run(gemm, a: a, b: b, into: c, control: control)
            alter(gemm, a, b, c)
        }
    }

    /// F32, nearest even, to `bits` bits of fraction.
    private func rounded(_ tensor: Tensor, keeping bits: UInt32) throws(Problem) -> Tensor {
        let copy = try Tensor(tensor.descriptor, try TensorBuffer(tensor.buffer.bytes))
        let drop = 23 - bits
        copy.withMutableElements(as: UInt32.self) { words in
            for index in words.indices { words[index] = (words[index] &+ (1 << (drop - 1)) - 1 + (words[index] >> drop & 1)) & ~((1 << drop) - 1) }
        }
        return copy
    }

    private func alter(_ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor) {
        switch lie {
        case .oneBit: unsafe c.buffer.withUnsafeMutableBytes { raw in unsafe raw[0] ^= 1 }
        case .onePercent:
            c.withMutableElements(as: Float.self) { cells in
                var squares: Float = 0
                for column in 0..<gemm.n { squares += cells[column] * cells[column] }
                cells[3] += 0.01 * (squares / Float(gemm.n)).squareRoot()
            }
        case .row:
            c.withMutableElements(as: Float.self) { cells in for column in 0..<gemm.n { cells[column] = cells[gemm.n + column] } }
        case .order:
            let (left, right) = (floats(a), floats(b))
            c.withMutableElements(as: Float.self) { cells in
                for row in 0..<gemm.m {
                    for column in 0..<gemm.n {
                        var sum: Float = 0
                        for k in 0..<gemm.k {
                            sum = sum.addingProduct(left[row * gemm.k + k], gemm.transposeB ? right[column * gemm.k + k] : right[k * gemm.n + column])
                        }
                        cells[row * gemm.n + column] = sum
                    }
                }
            }
        case .tf32, .bf16: break
        }
    }

    private func floats(_ tensor: Tensor) -> [Float] { unsafe tensor.buffer.withUnsafeBytes { raw in unsafe Array(raw.bindMemory(to: Float.self)) } }
}

/// A device whose every answer is zero.
struct ZeroBackend: ComputeBackend {
    let name = "zero"
    let device = "a broken device"

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {}
}

/// A device that works on products of this many rows until it is told to stop.
struct EndlessBackend: ComputeBackend {
    let name = "endless"
    let device = "a slow device"
    let rows: Int

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try PlainBackend().run(gemm, a: a, b: b, into: c, control: .none)
        guard gemm.m == rows else { return }
        while true { try control.step(0.5) }
    }
}
