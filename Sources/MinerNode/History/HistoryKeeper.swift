import Jobs
import Synchronization
import Wire

/// Brings what happens into the history: a sample of each device every 10 seconds, and with it all that came since the last one.
///
/// One transaction each time. What happens often is counted, not listed: a miner of a thousand small jobs a second writes no more than another.
final class HistoryKeeper: Sendable {
    private struct State {
        /// Computations shorter than a step, together.
        var short: [String: (operations: Double, seconds: Double)] = [:]
        var work = HistoryWork()
        var entries: [HistoryEntry] = []
        /// When an event of this name and reason was last listed, and how many like it came since.
        var listed: [String: (time: Int64, more: Int64)] = [:]
        var prunedAt: Int64?
        var latest: HistoryEvent?
        var past: (at: Int64, past: Past)?
        var hasFailed = false
    }

    /// Of entries that wait for the disk: more would be a disk that takes nothing for long.
    private static let most = 2_000
    static let every = Duration.seconds(10)

    let store: HistoryStore
    let reading = DiskQueue("history-reading")
    private let state = Mutex(State())
    private let samples: @Sendable () -> [DeviceSample]
    private let earned: @Sendable (_ units: Int64, _ price: Int64) -> Int64
    private let milliseconds: @Sendable () -> Int64
    private let tell: @Sendable (_ note: String) -> Void

    /// - Parameters:
    ///   - samples: reads every device's sensors.
    ///   - earned: what a payment brings to the payout address, in base units.
    ///   - milliseconds: the wall clock, in Unix milliseconds.
    ///   - tell: is told what is wrong with the file, once each.
    init(
        _ store: HistoryStore, samples: @escaping @Sendable () -> [DeviceSample], earned: @escaping @Sendable (_ units: Int64, _ price: Int64) -> Int64,
        milliseconds: @escaping @Sendable () -> Int64, tell: @escaping @Sendable (_ note: String) -> Void
    ) {
        (self.store, self.samples, self.earned, self.milliseconds, self.tell) = (store, samples, earned, milliseconds, tell)
    }

    /// Until the task is canceled; then what waits is written.
    func run() async {
        let queue = DiskQueue("history")
        var isCanceled = false
        while !isCanceled {
            await queue.run { self.look() }
            do { try await Task.sleep(for: Self.every) } catch { isCanceled = true }
        }
        await queue.run { self.look() }
    }

    // MARK: what `past` asks

    var wallMilliseconds: Int64 { milliseconds() }

    func keptPast(_ now: Int64) -> Past? {
        state.withLock { state in state.past.flatMap { (0..<10).contains(now - $0.at) ? $0.past : nil } }
    }

    func keep(_ past: Past, _ now: Int64) { state.withLock { $0.past = (now, past) } }

    /// What was counted and not written yet, and the last event of this run.
    var waiting: (HistoryWork, HistoryEvent?) { state.withLock { ($0.work, $0.latest) } }

    /// Takes a sample and writes everything that waits.
    func look() {
        let now = milliseconds() / 1000
        sayNotes(now)
        let readings = samples().map { HistoryEntry.sample($0, at: now) }
        let (entries, isTidying) = state.withLock { state in
            var entries = state.entries + readings
            for (device, sum) in state.short.sorted(by: { $0.key < $1.key }) {
                entries.append(.computed(device: device, operations: sum.operations, seconds: min(sum.seconds, 10), at: now))
            }
            if state.work != HistoryWork() { entries.append(.work(state.work, at: now)) }
            (state.entries, state.short, state.work) = ([], [:], HistoryWork())
            let isTidying = state.prunedAt.map { !(0..<600).contains(now - $0) } ?? true
            if isTidying { state.prunedAt = now }
            return (entries, isTidying)
        }
        do throws(Problem) {
            try store.append(entries, now: now)
            if isTidying { try store.prune(now: now) }
            sayNotes(now)
            state.withLock { ($0.hasFailed, $0.past) = (false, nil) }
        } catch {
            // Samples are gone; what was counted and listed waits for a disk that takes it.
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                let kept = entries.filter { if case .sample = $0 { false } else { true } }
                state.entries = Array((kept + state.entries).suffix(Self.most))
                return !state.hasFailed
            }
            if isFirst { tell(error.detail) }
        }
    }

    /// What is wrong with the file is told, and is part of the history that goes on.
    private func sayNotes(_ now: Int64) {
        for note in store.takeNotes() {
            tell(note)
            let entry = HistoryEntry.event(name: MinerEvent.Name.historyNote.rawValue, reason: nil, facts: ["note": .string(note)], atMilliseconds: now * 1000)
            state.withLock { Self.add(entry, &$0) }
        }
    }

    func note(_ event: MinerEvent) {
        let now = milliseconds()
        state.withLock { state in
            if !Self.often.contains(event.name) {
                let facts = JSON.object(JSONObject(distinct: event.facts.map { ($0.key, $0.value) }))
                state.latest = HistoryEvent(id: 0, atMilliseconds: now, name: event.name.rawValue, reason: Self.reason(event), facts: facts)
            }
            switch event.name {
            case .taskCompleted: Self.computed(event, now / 1000, &state)
            case .receiptConfirmed:
                let units = event["compute_units"]?.integerValue ?? 0
                state.work.paid += 1
                state.work.units = Self.sum(state.work.units, units)
                state.work.earned = Self.sum(state.work.earned, earned(units, event["price"]?.integerValue ?? 0))
            case _ where Self.often.contains(event.name): break
            case .taskFailed:
                state.work.failed += 1
                Self.list(event, now, &state)
            case .resultRejected:
                state.work.rejected += 1
                Self.list(event, now, &state)
            default: Self.list(event, now, &state)
            }
        }
    }

    /// Steps of a job that goes well: counted, or seen in its receipt.
    static let often: Set<MinerEvent.Name> = [.taskAssigned, .taskCompleted, .resultAttested, .claimSent, .receiptConfirmed]

    private static func reason(_ event: MinerEvent) -> String? { (event["reason"] ?? event["code"])?.stringValue }

    private static func computed(_ event: MinerEvent, _ now: Int64, _ state: inout State) {
        state.work.jobs += 1
        let (operations, seconds) = (event["operations"]?.doubleValue ?? 0, (event["latency_ms"]?.doubleValue ?? 0) / 1000)
        guard let device = event["backend"]?.stringValue, operations.isFinite, seconds.isFinite, seconds >= 0 else { return }
        guard seconds < 10 else { return add(.computed(device: device, operations: operations, seconds: seconds, at: now), &state) }
        guard state.short[device] != nil || state.short.count < HistoryLevel.devices else { return }
        let sum = state.short[device] ?? (0, 0)
        state.short[device] = (sum.operations + operations, sum.seconds + seconds)
    }

    /// What the operator did, and what became of it: every one is listed, or the list would end in a state that is over.
    private static let always: Set<MinerEvent.Name> = [.workPaused, .workResumed, .limitsChanged, .configRefused]

    /// An event of the same name and reason is listed once a minute, with the number of those in between; each of `always` is.
    private static func list(_ event: MinerEvent, _ now: Int64, _ state: inout State) {
        let reason = reason(event)
        guard !always.contains(event.name) else { return add(event, reason, event.facts, now, &state) }
        let key = "\(event.name.rawValue) \(reason ?? "") \(event["device"]?.stringValue ?? event["backend"]?.stringValue ?? "")"
        var facts = event.facts
        if let listed = state.listed[key], (0..<60_000).contains(now - listed.time) {
            state.listed[key] = (listed.time, listed.more + 1)
            return
        }
        if let more = state.listed[key]?.more, more > 0 { facts["repeated"] = .integer(more) }
        if state.listed.count >= 256 { state.listed = state.listed.filter { (0..<60_000).contains(now - $0.value.time) } }
        if state.listed.count < 1024 { state.listed[key] = (now, 0) }
        add(event, reason, facts, now, &state)
    }

    private static func add(_ event: MinerEvent, _ reason: String?, _ facts: [String: JSON], _ now: Int64, _ state: inout State) {
        let members = JSON.object(JSONObject(distinct: facts.map { ($0.key, $0.value) }))
        add(.event(name: event.name.rawValue, reason: reason, facts: members, atMilliseconds: now), &state)
    }

    private static func add(_ entry: HistoryEntry, _ state: inout State) {
        if state.entries.count < most { state.entries.append(entry) }
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, over) = one.addingReportingOverflow(other)
        return over ? .max : sum
    }
}
