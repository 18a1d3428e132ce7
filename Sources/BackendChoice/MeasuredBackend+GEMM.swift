package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for gemm: GEMM) -> Capability? { capability(Self.work(gemm)) { $0.capability(for: gemm) } }

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(gemm), operations: gemm.operations, control) { member in
            member.capability(for: gemm)
        } trial: { () throws(Problem) in
            try GEMMTrial.make(gemm)
        } _: { member, control throws(Problem) in
            try member.run(gemm, a: a, b: b, into: c, control: control)
        }
    }

    private static func work(_ gemm: GEMM) -> WorkClass {
        WorkClass("gemm", gemm.arithmetic, sizes: [gemm.count, gemm.m, gemm.n, gemm.k], switches: [gemm.batch != nil, gemm.transposeA, gemm.transposeB])
    }

    /// Measures a product of 1024³ in every arithmetic that isn't known yet, so that there are speeds to compare devices with.
    ///
    /// Some tenths of a second on a machine that was never measured, nothing afterwards.
    package func prepare() throws(Problem) {
        for arithmetic in Arithmetic.allCases {
            let gemm = try GEMM(m: 1024, n: 1024, k: 1024, arithmetic: arithmetic)
            try measure(Self.work(gemm)) { member in
                member.capability(for: gemm)
            } trial: { () throws(Problem) in
                try GEMMTrial.make(gemm)
            }
        }
    }
}

/// A product of random numbers that takes some milliseconds, of a given one's class or as near to it as the limits allow.
enum GEMMTrial {
    /// A fiftieth of the work that is waiting, between these: 5 to 40 ms at 200 Gop/s.
    private static let operations = 1e9...8e9
    private static let bytes = 64 << 20

    /// - Returns: nil for a product without work.
    static func make(_ gemm: GEMM) throws(Problem) -> SpeedTrial? {
        let small = try shrunk(gemm)
        guard small.operations > 0 else { return nil }
        let a = try random("a", small.inputDType, small.shapeA)
        let b = try random("b", small.inputDType, small.shapeB)
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: small.outputDType, shape: small.shapeC))
        return SpeedTrial(operations: small.operations) {
            $0.capability(for: small) != nil
        } run: { member, control throws(Problem) in
            try member.run(small, a: a, b: b, into: c, control: control)
        }
    }

    /// The largest dimension is halved until both limits are kept.
    private static func shrunk(_ gemm: GEMM) throws(Problem) -> GEMM {
        let limit = min(max(Double(gemm.operations) / 50, operations.lowerBound), operations.upperBound)
        var sizes = [gemm.count, gemm.m, gemm.n, gemm.k]
        while cost(sizes) > limit || size(sizes, gemm) > Double(bytes) {
            guard let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[largest] > 1 else { break }
            sizes[largest] = (sizes[largest] + 1) / 2
        }
        return try GEMM(
            m: sizes[1], n: sizes[2], k: sizes[3], transposeA: gemm.transposeA, transposeB: gemm.transposeB, batch: gemm.batch == nil ? nil : sizes[0],
            arithmetic: gemm.arithmetic)
    }

    private static func cost(_ sizes: [Int]) -> Double { 2 * sizes.reduce(1) { $0 * Double($1) } }

    private static func size(_ sizes: [Int], _ gemm: GEMM) -> Double {
        let (count, m, n, k) = (Double(sizes[0]), Double(sizes[1]), Double(sizes[2]), Double(sizes[3]))
        return count * (Double(gemm.inputDType.byteCount) * (m * k + k * n) + Double(gemm.outputDType.byteCount) * m * n)
    }

    private static func random(_ name: String, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "speed trial \(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
    }
}
