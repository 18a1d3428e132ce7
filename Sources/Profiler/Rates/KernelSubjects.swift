import Kernels
import Wire

/// What is measured of a backend's kernels: products in every arithmetic, convolution, attention.
enum KernelSubjects {
    /// The products of one arithmetic, by rising size; empty where the backend doesn't offer it.
    ///
    /// - Parameter roof: the device's, whoever of the backends on it knows it.
    static func products(
        _ backend: any ComputeBackend, device: String, _ arithmetic: Arithmetic, sizes: [Int], roof: (any RoofSource)?, limit: Int
    ) -> [RateSubject] {
        sizes.compactMap { n in
            guard let gemm = try? GEMM(m: n, n: n, k: n, arithmetic: arithmetic), backend.capability(for: gemm) != nil else { return nil }
            let cells = n * n
            let bytes = 2 * cells * gemm.inputDType.byteCount + cells * gemm.outputDType.byteCount
            guard bytes <= limit else { return nil }
            return RateSubject(
                device: device, backend: backend.name, kind: .gemm, arithmetic: arithmetic, size: [n, n, n], work: gemm.operations, trafficBytes: Int64(bytes),
                weight: (arithmetic == .f32Panel256 ? 2 : 1) * (n > 1_024 ? 4 : 1), roof: roof.map { ($0, gemm.inputDType) },
                prepare: { () throws(Problem) in
                    let a = try random("a", gemm.inputDType, gemm.shapeA, limit)
                    let b = try random("b", gemm.inputDType, gemm.shapeB, limit)
                    let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC), limit: limit)
                    return { (control) throws(Problem) in
                        try backend.run(gemm, a: a, b: b, into: c, control: control)
                        return gemm.operations
                    }
                })
        }
    }

    /// ResNet-50's second stage at batch 8, and its last one; 3×3 windows.
    static let images: [(x: [Int], outputs: Int)] = [([8, 64, 56, 56], 64), ([8, 512, 7, 7], 512)]

    static func convolutions(_ backend: any ComputeBackend, device: String, count: Int, roof: (any RoofSource)?, limit: Int) -> [RateSubject] {
        [Arithmetic.f32, .i32Exact].flatMap { arithmetic in
            images.prefix(count).compactMap { image -> RateSubject? in
                guard let windows = try? Convolution.Windows(padding: 1),
                    let work = try? Convolution(
                        x: image.x, w: [image.outputs, image.x[1], 3, 3], vertical: windows, horizontal: windows, arithmetic: arithmetic),
                    backend.capability(for: work) != nil
                else { return nil }
                let bytes = [(work.shapeX, work.inputDType), (work.shapeW, work.inputDType), (work.shapeY, work.outputDType)]
                    .reduce(0) { $0 + $1.0.reduce(1, *) * $1.1.byteCount }
                guard bytes <= limit else { return nil }
                return RateSubject(
                    device: device, backend: backend.name, kind: .conv2d, arithmetic: arithmetic, size: image.x + [image.outputs, 3, 3], work: work.operations,
                    trafficBytes: Int64(bytes), roof: roof.map { ($0, work.inputDType) },
                    prepare: { () throws(Problem) in
                        let x = try random("x", work.inputDType, work.shapeX, limit)
                        let w = try random("w", work.inputDType, work.shapeW, limit)
                        let y = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: work.outputDType, shape: work.shapeY), limit: limit)
                        return { (control) throws(Problem) in
                            try backend.run(work, x: x, w: w, into: y, control: control)
                            return work.operations
                        }
                    })
            }
        }
    }

    /// Twelve heads of 64, as in the small models that many use.
    static let lengths = [512, 2_048]

    static func attentions(_ backend: any ComputeBackend, device: String, count: Int, roof: (any RoofSource)?, limit: Int) -> [RateSubject] {
        [Arithmetic.f32, .bf16F32].flatMap { arithmetic in
            lengths.prefix(count).compactMap { length -> RateSubject? in
                guard let work = try? Attention(batch: 1, heads: 12, queries: length, keys: length, dimension: 64, arithmetic: arithmetic),
                    backend.capability(for: work) != nil
                else { return nil }
                let cells = work.headCount * length * work.dimension
                let bytes = cells * (3 * work.inputDType.byteCount + work.outputDType.byteCount)
                guard bytes <= limit else { return nil }
                return RateSubject(
                    device: device, backend: backend.name, kind: .attention, arithmetic: arithmetic, size: [1, 12, length, 64], work: work.operations,
                    trafficBytes: Int64(bytes), roof: roof.map { ($0, work.inputDType) },
                    prepare: { () throws(Problem) in
                        let q = try random("q", work.inputDType, work.shapeQ, limit)
                        let k = try random("k", work.inputDType, work.shapeKV, limit)
                        let v = try random("v", work.inputDType, work.shapeKV, limit)
                        let o = try Tensor(zeros: try TensorDescriptor(name: "o", dtype: work.outputDType, shape: work.shapeQ), limit: limit)
                        return { (control) throws(Problem) in
                            try backend.run(work, q: q, k: k, v: v, into: o, control: control)
                            return work.operations
                        }
                    })
            }
        }
    }

    /// Random numbers: zeros run faster.
    private static func random(_ name: String, _ dtype: DType, _ shape: [Int], _ limit: Int) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "adit.profile.\(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate(
            limit: limit)
    }
}
