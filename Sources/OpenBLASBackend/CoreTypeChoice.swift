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

    /// The library with the core type that was found the fastest earlier, where it is still the same library, or with the one that is now.
    ///
    /// - Throws: `backend_unavailable` if the library can't be loaded at all.
    static func library(remembered: CoreTypeTrial?, threads: Int) throws(Problem) -> (library: OpenBLASLibrary, trial: CoreTypeTrial) {
        if let remembered, remembered.used.isRunnable, let library = try? LibraryLoader.load(remembered.used),
            library.configuration == remembered.configuration, remembered.speeds[library.coreName] != nil
        {
            return (library, remembered)
        }
        return try fastest(threads: threads)
    }

    private static func fastest(threads: Int) throws(Problem) -> (library: OpenBLASLibrary, trial: CoreTypeTrial) {
        let operations = 2.0 * Double(size * size * size)
        var (best, used) = (try LibraryLoader.load(.detected), CoreType.detected)
        var bestTime = try time(best, threads)
        var speeds = [best.coreName: operations / max(bestTime, 1e-9)]
        var seen: Set<String> = [best.coreName.lowercased()]
        for coreType in CoreType.allCases where coreType != .detected && coreType.isRunnable && !seen.contains(coreType.rawValue.lowercased()) {
            // A core type that this build lacks is no reason to do without the others.
            guard let library = try? LibraryLoader.load(coreType), seen.insert(library.coreName.lowercased()).inserted else { continue }
            let time = try time(library, threads)
            speeds[library.coreName] = operations / max(time, 1e-9)
            let needed = PanelRule.isCandidate(best) && !PanelRule.isCandidate(library) ? marginOverRule : margin
            if time * needed < bestTime { (best, used, bestTime) = (library, coreType, time) }
        }
        return (best, CoreTypeTrial(used: used, configuration: best.configuration, speeds: speeds))
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
