import Jobs
import Kernels
import Ledger
import Operations
import Synchronization
import Wire

/// The operator's limits as they are now, for everybody who is held to them.
final class LiveLimits: Sendable {
    private let state: Mutex<OperatorLimits>
    /// What jobs may take where no limit is set, in bytes.
    private let usual: Mutex<Int64>
    /// What the process can have at all, in bytes.
    private let most: Int64
    private let changes = Broadcast()
    private let listeners = Mutex<[@Sendable () -> Void]>([])

    init(_ limits: OperatorLimits, usualMemory: Int64, mostMemory: Int64) {
        state = Mutex(limits)
        usual = Mutex(usualMemory)
        most = mostMemory
    }

    var now: OperatorLimits { state.withLock { $0 } }

    /// What the profile found.
    func note(usualMemory: Int64) { usual.withLock { $0 = usualMemory } }

    /// The most memory for tensors, in bytes, of one job and of all that are computed at one time.
    var memoryCap: Int { Int(clamping: memoryBytes) }

    var memoryBytes: Int64 { min(state.withLock { $0.memoryBytes } ?? usual.withLock { $0 }, most) }

    /// Counts changes.
    var generation: UInt64 { changes.generation }

    /// Returns once they have changed since then, or the task is canceled.
    func untilChanged(since generation: UInt64) async { await changes.wait(after: generation) }

    /// Replaces them; false where they are the same.
    func set(_ limits: OperatorLimits) -> Bool {
        let isNew = state.withLock { state in
            defer { state = limits }
            return state != limits
        }
        if isNew { announce() }
        return isNew
    }

    /// Tells all who wait that something has changed: the limits, or what a device makes of them.
    func announce() {
        changes.notify()
        for listener in listeners.withLock({ $0 }) { listener() }
    }

    /// Has `body` called after each change, on the thread that makes it, for as long as these limits live.
    func whenChanged(_ body: @escaping @Sendable () -> Void) { listeners.withLock { $0.append(body) } }
}

extension OperatorLimits {
    /// What the coordinator is told, so that other jobs aren't offered.
    var wishes: WorkWishes {
        let formats = dtypes.map { names in DType.allCases.filter { names.contains($0.rawValue.lowercased()) } }
        return WorkWishes(
            kernels: kernels.map { Array($0.sorted().prefix(64)) }, dtypes: formats.flatMap { $0.isEmpty ? nil : $0 }, minPricePerUnit: priceFloor)
    }

    /// Why a lease isn't wanted although the coordinator gave it; nil if it is.
    func obstacle(_ lease: Lease) -> WorkReason? {
        if let kernels, !kernels.contains(lease.spec.type) { return .kernelNotAllowed }
        if let dtypes, let first = lease.spec.inputs.first, !dtypes.contains(first.descriptor.dtype.rawValue.lowercased()) { return .kernelNotAllowed }
        guard let priceFloor else { return nil }
        let (least, overflow) = priceFloor.multipliedReportingOverflow(by: lease.quote.computeUnits)
        return overflow || lease.quote.price < least ? .belowPriceFloor : nil
    }
}
