import Kernels
import Wire

/// Finds the core type that multiplies fastest on this machine, by trying each in a copy of the library.
enum CoreTypeChoice {
    /// 2·512³ operations: some milliseconds, enough to tell a factor of two; ties go to the library's own choice.
    private static let size = 512
    private static let rounds = 5
    private static let margin = 1.03
    /// What core types that break panel-256's rule have to be faster by than one that keeps it, and serves for reproducible products too.
    private static let marginOverRule = 1.2

    /// The library with the fastest core type, and what each of them did, in operations per second by the library's name for it.
    ///
    /// - Throws: `backend_unavailable` if the library can't be loaded at all.
    static func fastest(threads: Int) throws(Problem) -> (library: OpenBLASLibrary, speeds: [String: Double]) {
        let operations = 2.0 * Double(size * size * size)
        var best = try LibraryLoader.load(.detected)
        var bestTime = try time(best, threads)
        var speeds = [best.coreName: operations / max(bestTime, 1e-9)]
        var seen: Set<String> = [best.coreName.lowercased()]
        for coreType in CoreType.allCases where coreType != .detected && coreType.isRunnable && !seen.contains(coreType.rawValue.lowercased()) {
            // A core type that this build lacks is no reason to do without the others.
            guard let library = try? LibraryLoader.load(coreType), seen.insert(library.coreName.lowercased()).inserted else { continue }
            let time = try time(library, threads)
            speeds[library.coreName] = operations / max(time, 1e-9)
            let needed = PanelRule.isCandidate(best) && !PanelRule.isCandidate(library) ? marginOverRule : margin
            if time * needed < bestTime { (best, bestTime) = (library, time) }
        }
        return (best, speeds)
    }

    /// Seconds of the best round, in free order.
    private static func time(_ library: OpenBLASLibrary, _ threads: Int) throws(Problem) -> Double {
        library.threads = threads
        let gemm = try GEMM(m: size, n: size, k: size, arithmetic: .f32)
        let operand = try SpeedTest.operand(gemm.inputDType, gemm.shapeA)
        let c = try SpeedTest.output(gemm)
        return try SpeedTest.seconds(rounds: rounds) { () throws(Problem) in
            try FloatProducts.run(library, threads: threads, gemm, operand, operand, into: c, .none)
        }
    }
}
