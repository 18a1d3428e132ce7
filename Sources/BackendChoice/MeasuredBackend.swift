package import Kernels
import Synchronization
import Wire

/// Several backends of one device as one: each work goes to the member that was measured to be the fastest for its class.
///
/// A class is measured when its first work comes, where a run takes some milliseconds in some tenths of a second. The first large works then go around
/// among the members that came near to the best, and say what the class takes at its real size. The answer is kept in memory and in the store, which
/// counts for as long as the fingerprint is the same. A new kind of work is two functions in a file of its own, see `MeasuredBackend+Chain.swift`:
/// everything else is `capability(for:_:)` and `run(_:…)` here.
package final class MeasuredBackend: ComputeBackend {
    package let name: String
    package let members: [any ComputeBackend]
    private let fingerprint: Digest
    private let store: any ChoiceStore
    private let book: Mutex<ChoiceBook>
    /// One job at a time: two members would share the cores, and be measured wrongly.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - members: at least one; the first is taken where nothing else is known.
    ///   - fingerprint: what the speeds hang on beside the members' own descriptions, such as the CPU's model and features.
    ///   - now: Unix time in seconds, nil for the clock's: what the store kept for more than a week is measured again, since it may come from a busy hour.
    package init(
        name: String, members: [any ComputeBackend], fingerprint: String, store: any ChoiceStore, now: Int64? = nil
    ) {
        precondition(!members.isEmpty, "a choice is among something")
        (self.name, self.members, self.store) = (name, members, store)
        self.fingerprint = SHA256.hash(utf8: ([fingerprint] + members.map(\.device)).joined(separator: "\n"))
        book = Mutex(ChoiceBook.read(store.load(), fingerprint: self.fingerprint, at: now ?? WallClock.now().seconds))
    }

    /// The members by name, after what the first one says of the processor.
    package var device: String { "\(members[0].device): \(members.map(\.name).joined(separator: ", "))" }

    /// The members share one device, and so its roof.
    package var roof: (any RoofSource)? { members.lazy.compactMap(\.roof).first }

    package func useThreads(atMost threads: Int?) { for member in members { member.useThreads(atMost: threads) } }
    package func useMemory(atMost byteCount: Int?) { for member in members { member.useMemory(atMost: byteCount) } }

    /// What the allocator holds is our own kernels' to give back, who come first among the members: after the others have given theirs to it.
    package func rest() { _ = turn.withLockIfAvailable { _ in for member in members.reversed() { member.rest() } } }

    /// Those of all members: each has its own version.
    package var software: String { members.map(\.software).joined(separator: "; ") }

    /// What was chosen so far: the class of work, the member's name and its speed, in the class's order.
    package var choices: [(work: String, member: String, operationsPerSecond: Double)] { book.withLock { $0.choices } }

    // MARK: what every kind of work is made of

    /// The promise of the members that can do a work: the first one's, with the best speed that was measured in or near its class.
    func capability(_ work: WorkClass, _ of: (any ComputeBackend) -> Capability?) -> Capability? {
        let promises = members.compactMap(of)
        guard let first = promises.first else { return nil }
        let speed = book.withLock { $0.nearest(work) } ?? promises.compactMap(\.operationsPerSecond).max()
        return Capability(arithmetic: first.arithmetic, operationsPerSecond: speed)
    }

    /// Runs a work on the fastest of the members that can do it.
    ///
    /// - Parameters:
    ///   - operations: for speeds.
    ///   - capability: whether a member can do it.
    ///   - trial: makes a smaller work of the same class to measure with; nil to measure with the work itself.
    ///   - body: runs the work on a member.
    func run(
        _ work: WorkClass, operations: Int64, _ control: RunControl, capability: (any ComputeBackend) -> Capability?,
        trial: (() throws(Problem) -> SpeedTrial?)? = nil, _ body: (any ComputeBackend, RunControl) throws(Problem) -> Void
    ) throws(Problem) {
        let able = members.filter { capability($0) != nil }
        guard let first = able.first else { throw Problem(.unsupportedDtype, "no member of \(name) runs such a \(work.kind)") }
        try turn.withLock { _ throws(Problem) in
            if able.count == 1 {
                control.uses(first.device)
                return try body(first, control)
            }
            if fastest(work, able) == nil {
                let (begin, before) = (ContinuousClock.now, control.timeApart)
                if let trial = try trial?() { note(try trial.speeds(able, control), work) }
                // The work's own time is what the chosen member takes; that it was chosen first took time of its own.
                control.setApart(.now - begin - (control.timeApart - before))
            }
            if let best = next(work, operations, able) {
                control.uses(best.device)
                let took = try SpeedTrial.time(control) { () throws(Problem) in try body(best, control) }
                return learn(work, best, operations, took, able)
            }
            try explore(work, operations, able, control, body)
        }
    }

    /// Measures a class that isn't known yet and that several members can do.
    func measure(_ work: WorkClass, capability: (any ComputeBackend) -> Capability?, trial: () throws(Problem) -> SpeedTrial?) throws(Problem) {
        let able = members.filter { capability($0) != nil }
        guard !able.isEmpty else { return }
        try turn.withLock { _ throws(Problem) in
            guard fastest(work, able) == nil, let trial = try trial() else { return }
            note(try trial.speeds(able, .none), work)
        }
    }

    private func fastest(_ work: WorkClass, _ able: [any ComputeBackend]) -> (any ComputeBackend)? {
        let name = book.withLock { $0.fastest(work, of: able.map(\.name)) }
        return able.first { $0.name == name }
    }

    /// The member that is to do a work now.
    private func next(_ work: WorkClass, _ operations: Int64, _ able: [any ComputeBackend]) -> (any ComputeBackend)? {
        let names = able.map(\.name)
        let name = book.withLock { operations >= Self.telling ? $0.next(work, of: names) : $0.fastest(work, of: names) }
        return able.first { $0.name == name }
    }

    private func note(_ speeds: ChoiceBook.Speeds, _ work: WorkClass) {
        save { book in
            book.note(speeds, work)
            return true
        }
    }

    /// Large works say what their class takes; small ones hardly more than what disturbed them.
    private func learn(_ work: WorkClass, _ member: any ComputeBackend, _ operations: Int64, _ took: Duration, _ able: [any ComputeBackend]) {
        guard operations >= Self.telling else { return }
        save { $0.learn(SpeedTrial.speed(operations, took), work, of: member.name, among: able.map(\.name)) }
    }

    /// Changes the book, and writes it down where that is worth it.
    private func save(_ change: (inout ChoiceBook) -> Bool) {
        let document = book.withLock { change(&$0) ? $0.document(fingerprint: fingerprint) : nil }
        if let document { store.save(document) }
    }

    /// Operations from which on a single run says something: some 5 ms.
    private static let telling: Int64 = 1_000_000_000

    // MARK: measuring with the work itself

    /// Works longer than this are run once, on a member that was not measured yet; shorter ones on all of them, by turns (`SpeedTrial`).
    private static let short = Duration.milliseconds(30)

    /// Runs the work on members that were not measured in its class. Every run writes a valid output; the last one counts, and its time is the work's.
    private func explore(
        _ work: WorkClass, _ operations: Int64, _ able: [any ComputeBackend], _ control: RunControl,
        _ body: (any ComputeBackend, RunControl) throws(Problem) -> Void
    ) throws(Problem) {
        var untried = able.filter { member in book.withLock { $0.speed(work, of: member.name) } == nil }
        if untried.isEmpty { untried = able }
        var lastProblem: Problem?
        var quick: [any ComputeBackend] = []
        let (begin, before) = (ContinuousClock.now, control.timeApart)
        var own = Duration.zero
        defer { control.setApart(.now - begin - (control.timeApart - before) - own) }
        for member in untried {
            do throws(Problem) {
                let isFirst = member.name == untried[0].name
                // The first run of a member makes its plans.
                own = try SpeedTrial.time(control) { () throws(Problem) in try body(member, isFirst ? control : control.silent) }
                if own < Self.short {
                    quick.append(member)
                    continue
                }
                note([member.name: SpeedTrial.speed(operations, own)], work)
                // What is known to be long is not done twice: this run's output is the work's.
                if quick.isEmpty { return control.uses(member.device) }
            } catch {
                if error.code == .canceled { throw error }
                note([member.name: 0], work)
                lastProblem = error
            }
        }
        if !quick.isEmpty { note(try SpeedTrial.speeds(quick, operations, control, body), work) }
        guard let best = fastest(work, able) else { throw lastProblem ?? Problem(.backendUnavailable, "no member of \(name) ran the \(work.kind)") }
        control.uses(best.device)
        own = try SpeedTrial.time(control) { () throws(Problem) in try body(best, control.silent) }
    }
}
