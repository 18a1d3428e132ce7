import Kernels
import Wire

/// Measures products of random numbers (zeros would run faster).
enum SpeedTest {
    private static let size = 768

    /// Operations per second at a size that tells a long run's speed to a few percent.
    static func operationsPerSecond(
        _ arithmetic: Arithmetic, _ multiply: (GEMM, Tensor, Tensor, Tensor) throws(Problem) -> Void
    ) throws(Problem) -> Double {
        let gemm = try GEMM(m: size, n: size, k: size, arithmetic: arithmetic)
        let operand = try operand(gemm.inputDType, gemm.shapeA)
        let c = try output(gemm)
        let best = try seconds(rounds: 3) { () throws(Problem) in try multiply(gemm, operand, operand, c) }
        return Double(gemm.operations) / max(best, 1e-9)
    }

    /// The shortest of some rounds.
    static func seconds(rounds: Int, _ body: () throws(Problem) -> Void) throws(Problem) -> Double {
        let clock = ContinuousClock()
        var best = Duration.seconds(3600)
        for _ in 0..<rounds {
            let start = clock.now
            try body()
            best = min(best, start.duration(to: clock.now))
        }
        return best / .seconds(1)
    }

    static func operand(_ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "speed"), descriptor: try TensorDescriptor(name: "a", dtype: dtype, shape: shape)).generate()
    }

    static func output(_ gemm: GEMM) throws(Problem) -> Tensor {
        try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
    }
}
