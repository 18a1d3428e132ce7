package import Kernels
package import Wire

/// Measures F32 GEMM on a backend: best of many runs of the arithmetic that jobs ask for, on random data, since zeros run faster.
package enum GemmMeter {
    /// The largest product measured, n×n×n: 48 MiB, beyond the caches of two cores and quick on them.
    package static let largest = 2_048
    /// A run is doubled in size while it takes less than this.
    private static let shortRun: Duration = .milliseconds(60)

    /// The best speed seen within `budget`, in operations per second; nil if the backend doesn't offer reproducible F32.
    ///
    /// Synchronous; takes about `budget`, and at least two runs of the smallest size.
    ///
    /// - Parameter progress: gets the share of the budget that is spent.
    /// - Throws: `memory_limit` or whatever the backend fails with.
    package static func measure(_ backend: any ComputeBackend, budget: Duration, limit: Int, progress: (Double) -> Void = { _ in }) throws(Problem) -> Double? {
        let clock = ContinuousClock()
        let start = clock.now
        var n = 256
        var best: Double?
        while true {
            let gemm = try GEMM(m: n, n: n, k: n, arithmetic: .f32Panel256)
            guard backend.capability(for: gemm) != nil else { return best }
            let a = try random("a", n, limit)
            let b = try random("b", n, limit)
            let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .f32, shape: [n, n]), limit: limit)
            var runs = 0
            var grown = false
            // The first run of a size warms caches and threads up.
            while !grown && (clock.now - start < budget || runs < 2) {
                let begin = clock.now
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
                let took = clock.now - begin
                runs += 1
                if runs > 1 { best = max(best ?? 0, Double(gemm.operations) / max(took.seconds, 1e-9)) }
                grown = runs > 1 && n < largest && took < shortRun
                progress(min(1, (clock.now - start) / budget))
            }
            guard grown, clock.now - start < budget, 3 * 16 * n * n <= limit else { return best }
            n *= 2
        }
    }

    private static func random(_ name: String, _ n: Int, _ limit: Int) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "adit.profile.\(name)"), descriptor: try TensorDescriptor(name: name, dtype: .f32, shape: [n, n])).generate(
            limit: limit)
    }
}
