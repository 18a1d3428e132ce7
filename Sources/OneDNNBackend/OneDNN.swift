import COneDNN
import Foundation
package import Kernels
import Synchronization
package import Wire

/// Work on the CPU by oneDNN, opened at run time: products in F32, BF16 and exact I8, one by one or in batches.
///
/// Only what a trial at start has shown to be right is offered; the rest is said in `notes`. Another kind of work is a file of its own in
/// this room (see `OneDNNEngine`).
package final class OneDNN: ComputeBackend {
    package let name = "onednn"
    /// The library's version, such as `2.6.3`.
    package let version: String
    /// What an operator may want to know, in sentences.
    package let notes: [String]
    let engine: OneDNNEngine
    /// What a number of threads was shown to do right.
    private struct Offer {
        var products: OneDNNOffer
        /// The arithmetics of convolutions that the trial found right.
        var convolves: Set<Arithmetic>
    }

    /// Threads, and what is offered with so many; the offers that were tried so far.
    private struct Team {
        let most: Int
        var threads: Int
        var offers: [Int: Offer]
    }

    private let team: Mutex<Team>
    private let judge: any ComputeBackend
    /// The plans made so far. Its lock is the turn of everybody who uses the library.
    private let plans: Mutex<OneDNNPlans>

    /// Loads the library and tries it; some tenths of a second.
    ///
    /// - Parameters:
    ///   - threads: nil for all cores.
    ///   - judge: a backend that keeps every promise, whose bits the library's are compared with.
    /// - Throws: `backend_unavailable` without a usable oneDNN; nothing else depends on it.
    package init(threads: Int? = nil, judge: any ComputeBackend) throws(Problem) {
        let library = try OneDNNLibrary.load()
        let engine = try OneDNNEngine(library, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        var plans = OneDNNPlans()
        let offered = OneDNNOffer.tried(engine, &plans, ProductTrial(judge: judge))
        guard !offered.isEmpty else { throw Problem(.backendUnavailable, "oneDNN \(library.version) gives no known answer on this processor") }
        let offer = Offer(products: offered, convolves: OneDNNConvolution.tried(engine, &plans, judge))
        team = Mutex(Team(most: engine.threads, threads: engine.threads, offers: [engine.threads: offer]))
        self.judge = judge
        version = library.version
        self.engine = engine
        notes = offered.missing.isEmpty ? [] : ["oneDNN \(library.version) is not used for \(offered.missing.joined(separator: ", ")): its trial failed here"]
        self.plans = Mutex(plans)
    }

    package var device: String { "cpu onednn \(version), \(team.withLock { $0.most }) threads" }

    private var offer: Offer { team.withLock { team in team.offers[team.threads] ?? Offer(products: OneDNNOffer(), convolves: []) } }
    private var offered: OneDNNOffer { offer.products }
    var convolves: Set<Arithmetic> { offer.convolves }

    /// Threads that a call takes.
    package var threads: Int { team.withLock { $0.threads } }

    /// Waits for work that runs, and drops all plans: the number of threads goes into them. What is offered is tried again with a number that is new here,
    /// which takes some tenths of a second: the order of summation may hang on it.
    package func useThreads(atMost threads: Int?) {
        plans.withLock { plans in
            let count = team.withLock { min($0.most, max(1, threads ?? $0.most)) }
            guard count != engine.threads else { return }
            plans.removeAll()
            engine.threads = count
            let offer =
                team.withLock { $0.offers[count] }
                ?? Offer(
                    products: OneDNNOffer.tried(engine, &plans, ProductTrial(judge: judge)), convolves: OneDNNConvolution.tried(engine, &plans, judge))
            team.withLock { team in
                team.offers[count] = offer
                team.threads = count
            }
        }
    }

    package func rest() {
        _ = plans.withLockIfAvailable { plans in
            plans.removeAll()
            plans.scratch.drop(over: 0)
        }
    }

    package func capability(for gemm: GEMM) -> Capability? { offered.covers(gemm) ? Capability(arithmetic: gemm.arithmetic) : nil }

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        try exclusively { plans throws(Problem) in
            guard offered.covers(gemm) else { throw Problem(.unsupportedDtype, "oneDNN doesn't keep \(gemm.arithmetic.rawValue) at \(gemm.m) x \(gemm.n)") }
            try OneDNNProduct(engine, gemm, a, b, c).run(&plans, control)
        }
    }

    /// Calls `body` as the library's only user.
    func exclusively<R: Sendable>(_ body: (inout OneDNNPlans) throws(Problem) -> R) throws(Problem) -> R {
        try plans.withLock { plans throws(Problem) in try body(&plans) }
    }
}

/// The plans made so far, by everything that went into them.
struct OneDNNPlans {
    struct Key: Hashable {
        let kind: String
        /// Every dimension, stride and choice.
        let numbers: [Int]
    }

    /// More than a job or a network has; then all are dropped, which costs a millisecond each.
    private static let limit = 256
    /// Memory for tensors in other layouts.
    let scratch = OneDNNScratch()
    private var plans: [Key: OneDNNPlan] = [:]

    mutating func removeAll() { plans.removeAll() }

    mutating func plan(_ key: Key, _ make: () throws(Problem) -> OneDNNPlan) throws(Problem) -> OneDNNPlan {
        if let plan = plans[key] { return plan }
        if plans.count >= Self.limit { plans.removeAll() }
        let plan = try make()
        plans[key] = plan
        return plan
    }
}
