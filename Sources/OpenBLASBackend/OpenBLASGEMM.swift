import Foundation
package import Kernels
import Synchronization
package import Wire

/// Matrix products by the machine's OpenBLAS, with the core type that measured best, where it keeps our promises to the bit.
///
/// I8 goes through F32 in blocks short enough to be exact. Reproducible F32 and F64 go panel by panel, and only where a test at start
/// showed that these kernels, with this many threads, add in panel-256's order (see `PanelRule`); elsewhere `capability` says no. Free F32
/// and F64 are offered where known answers came out right, and batches of floats with the matrices one to a core.
package final class OpenBLASGEMM: ComputeBackend {
    package let name = "openblas"
    /// The kernels in use, as the library names them.
    package let coreName: String
    /// What the comparison of core types found; nil where one was given.
    package let coreTrial: CoreTypeTrial?
    /// OpenBLAS's version and build options.
    package let configuration: String
    /// What an operator may want to know, in sentences: what is not offered, and what the environment says in vain.
    package let notes: [String]
    /// What a number of threads was shown to keep.
    private struct Offer {
        /// The smallest m and n for which the panels' bits are right; nil if they aren't.
        var smallest: [Arithmetic: Int]
        /// Free arithmetic whose known answers came out right.
        var free: Set<Arithmetic>
    }

    /// Threads, and what is offered with so many; the offers that were tried so far.
    private struct Team {
        let most: Int
        var threads: Int
        var offers: [Int: Offer]
        var offer: Offer { offers[threads] ?? Offer(smallest: [:], free: []) }
    }

    private let team: Mutex<Team>
    private let judge: (any ComputeBackend)?
    private let speeds: [Arithmetic: Double]
    private let library: Mutex<OpenBLASLibrary>

    /// Loads the library, chooses the core type by measurement, tests it against the rule and measures what it may be used for.
    ///
    /// Takes some tenths of a second. Call it at start-up: it changes and restores an environment variable.
    ///
    /// - Parameters:
    ///   - threads: nil for all cores.
    ///   - coreType: nil for the fastest.
    ///   - remembered: what an earlier comparison found, not to be made again.
    ///   - judge: a backend that keeps every promise, whose bits the panels' are compared with; without one only I8 and free floats are offered, untested.
    ///   - isMeasured: whether to find out the speeds of what passed.
    /// - Throws: `backend_unavailable` without a usable OpenBLAS; nothing else depends on it.
    package init(
        threads: Int? = nil, coreType: CoreType? = nil, remembered: CoreTypeTrial? = nil, judge: (any ComputeBackend)? = nil, isMeasured: Bool = true
    ) throws(Problem) {
        let count = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let library: OpenBLASLibrary
        if let coreType {
            (library, coreTrial) = (try LibraryLoader.load(coreType), nil)
        } else {
            (library, coreTrial) = try CoreTypeChoice.library(remembered: remembered, threads: count)
        }
        library.threads = count
        coreName = library.coreName
        configuration = library.configuration
        let offer = Self.offer(library, threads: count, judge: judge)
        let (smallest, free) = (offer.smallest, offer.free)
        team = Mutex(Team(most: count, threads: count, offers: [count: offer]))
        self.judge = judge
        var speeds: [Arithmetic: Double] = [:]
        for arithmetic in isMeasured ? [.i32Exact] + smallest.keys + free : [] {
            speeds[arithmetic] = try SpeedTest.operationsPerSecond(arithmetic) { gemm, a, b, c throws(Problem) in
                try Self.multiply(library, count, gemm, a, b, c, .none)
            }
        }
        self.speeds = speeds
        notes = Self.notes(library.coreName, smallest)
        self.library = Mutex(library)
    }

    private static func offer(_ library: OpenBLASLibrary, threads: Int, judge: (any ComputeBackend)?) -> Offer {
        Offer(
            smallest: judge.map { PanelRule.test(library, threads: threads, judge: $0) } ?? [:], free: free(library, threads: threads, judge: judge))
    }

    /// Threads that a call takes.
    package var threads: Int { team.withLock { $0.threads } }

    /// Waits for work that runs. What is offered is tried again with a number of threads that is new here, which takes some tenths of a second: the
    /// order of summation may hang on it.
    package func useThreads(atMost threads: Int?) {
        library.withLock { library in
            let count = team.withLock { min($0.most, max(1, threads ?? $0.most)) }
            library.threads = count
            let known = team.withLock { $0.offers[count] }
            let offer = known ?? Self.offer(library, threads: count, judge: judge)
            team.withLock { team in
                team.offers[count] = offer
                team.threads = count
            }
        }
    }

    private static func free(_ library: OpenBLASLibrary, threads: Int, judge: (any ComputeBackend)?) -> Set<Arithmetic> {
        guard let judge else { return [.f32, .f64] }
        let trial = ProductTrial(judge: judge)
        return Set(
            [Arithmetic.f32, .f64].filter { arithmetic in
                trial.passes(arithmetic, ProductTrial.general + ProductTrial.batches) { gemm, a, b, c throws(Problem) in
                    try FloatProducts.run(library, threads: threads, gemm, a, b, into: c, .none)
                }
            })
    }

    private static func notes(_ coreName: String, _ smallest: [Arithmetic: Int]) -> [String] {
        var notes: [String] = []
        if smallest.isEmpty { notes.append("OpenBLAS's \(coreName) kernels don't serve for reproducible floats: their order of summation is not panel-256's") }
        if let value = ProcessInfo.processInfo.environment[CoreType.variable] {
            notes.append("\(CoreType.variable)=\(value) is ignored: the core type is chosen by measurement")
        }
        return notes
    }

    package var device: String { "cpu openblas \(coreName), \(team.withLock { $0.most }) threads" }
    package var software: String { "\(name) \(device) \(configuration)" }

    /// Whether the test at start showed panel-256's bits for this arithmetic.
    package func keepsRule(_ arithmetic: Arithmetic) -> Bool { team.withLock { $0.offer.smallest[arithmetic] != nil } }

    package func capability(for gemm: GEMM) -> Capability? {
        switch gemm.arithmetic {
        case .i32Exact: return gemm.batch == nil ? Capability(arithmetic: .i32Exact, operationsPerSecond: speeds[.i32Exact]) : nil
        case .f32Panel256, .f64Panel256:
            guard let bound = team.withLock({ $0.offer.smallest[gemm.arithmetic] }), gemm.m >= bound, gemm.n >= bound else { return nil }
            return Capability(arithmetic: gemm.arithmetic, operationsPerSecond: speeds[gemm.arithmetic])
        case .f32, .f64:
            let isRight = team.withLock { $0.offer.free.contains(gemm.arithmetic) }
            return isRight ? Capability(arithmetic: gemm.arithmetic, operationsPerSecond: speeds[gemm.arithmetic]) : nil
        case .bf16F32: return nil
        }
    }

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        try library.withLock { library throws(Problem) in
            guard capability(for: gemm) != nil else {
                throw Problem(.unsupportedDtype, "OpenBLAS's \(coreName) kernels don't keep \(gemm.arithmetic.rawValue) at \(gemm.m) x \(gemm.n)")
            }
            try control.step(0)
            try Self.multiply(library, threads, gemm, a, b, c, control)
            try control.step(1)
        }
    }

    private static func multiply(
        _ library: OpenBLASLibrary, _ threads: Int, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ control: RunControl
    ) throws(Problem) {
        switch gemm.arithmetic {
        case .i32Exact: try IntegerBlocks(library, gemm).run(a, b, into: c, control)
        case .f32Panel256, .f64Panel256, .f32, .f64: try FloatProducts.run(library, threads: threads, gemm, a, b, into: c, control)
        case .bf16F32: throw Problem(.unsupportedDtype, "no product in \(gemm.arithmetic.rawValue)")
        }
    }
}
