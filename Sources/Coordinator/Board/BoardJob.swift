import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// A job in memory: what is stored of it, its kernel, its present lease and how far the worker says it is.
struct BoardJob: Sendable {
    var stored: StoredJob
    let kernel: any Kernel
    /// The latest lease, as long as it is in force or its outcome is not read from the store.
    var lease: StoredLease?
    var progress = 0.0
    /// The height until which a finished job's claim is looked for; `nil` until the chain was asked.
    var watchUntil: Int64?

    var quote: Quote { stored.quote }
    var state: JobState { stored.state }
    /// Since the task was taken.
    func age(at nowMilliseconds: Int64) -> Duration { .milliseconds(max(0, nowMilliseconds - stored.created)) }
    /// Bytes of tensors that a run or a check holds at once.
    var bytes: Int64 { Int64(clamping: kernel.memoryBytes) }
}

/// A worker in memory.
struct BoardWorker: Sendable {
    var stored: StoredWorker
    /// When a signed request of its came last, in Unix milliseconds.
    var seen: Int64
    /// Its own standing; that of its payout address is kept apart.
    var standing: WorkerStanding
    /// What it has shown, and the tier that follows.
    var view: WorkerView
    var placement: TierPlacement
    /// When the view was written down last, in Unix milliseconds.
    var viewKeptAt: Int64 = 0
    /// Which jobs it wants, as it said last.
    var wishes = WorkWishes.none
    /// The compute units of the leases that it holds.
    var held: [String: Int64] = [:]

    var registration: WorkerRegistration { stored.registration }
    var leases: Int { held.count }

    /// What keeps a job from it, whatever the time; nil if nothing does.
    func obstacle(_ job: BoardJob) -> WorkReason? {
        registration.obstacle(job.stored.spec.requirements, bytes: job.bytes, tier: placement.tier)
    }
}

/// What became of a result, and the leases that its worker asked for with it.
struct ResultOutcome: Sendable {
    let outcome: LeaseOutcome
    let leases: [Lease]
}

/// A worker's open call for leases.
struct LeaseWaiter: Sendable {
    let id: UInt64
    let worker: Address
    let max: Int
    /// Unix milliseconds.
    let until: Int64
    let answer: AsyncStream<LeaseAnswer>.Continuation
}
