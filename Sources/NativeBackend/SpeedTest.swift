import Kernels
import Wire

/// Finds out operations per second on products large enough for a long run's speed.
enum SpeedTest {
    /// Large enough to be within a few percent of the speed at any larger size; some 20 ms a core.
    private static let size = 768
    private static let rounds = 3

    /// - Parameter multiply: runs a product.
    static func measure(_ multiply: (GEMM, Tensor, Tensor, Tensor) throws(Problem) -> Void) throws(Problem) -> [Arithmetic: Double] {
        var speeds: [Arithmetic: Double] = [:]
        for arithmetic in [Arithmetic.i32Exact, .f32Panel256, .f64Panel256, .bf16F32] {
            let gemm = try GEMM(m: size, n: size, k: size, arithmetic: arithmetic)
            // Random numbers: zeros run faster.
            let seed = SHA256.hash(utf8: "speed \(arithmetic.rawValue)")
            let a = try RandomTensor(seed: seed, descriptor: TensorDescriptor(name: "a", dtype: gemm.inputDType, shape: gemm.shapeA)).generate()
            let c = try Tensor(zeros: TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
            let clock = ContinuousClock()
            var best = Duration.seconds(3600)
            for _ in 0..<rounds {
                let start = clock.now
                try multiply(gemm, a, a, c)
                best = min(best, start.duration(to: clock.now))
            }
            speeds[arithmetic] = Double(gemm.operations) / max(best / .seconds(1), 1e-9)
        }
        return speeds
    }
}
