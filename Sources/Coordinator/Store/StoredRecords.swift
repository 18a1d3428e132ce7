import Jobs
import Ledger
import Signing
import Wire

/// A job as the store keeps it.
struct StoredJob: Sendable {
    private let order: Order
    var state: JobState
    /// What was accepted and signed; absent before.
    var finished: FinishedWork?

    init(spec: JobSpec, quote: Quote, state: JobState, created: Int64, finished: FinishedWork?) {
        order = Order(spec: spec, quote: quote, created: created)
        self.state = state
        self.finished = finished
    }

    var spec: JobSpec { order.spec }
    var quote: Quote { order.quote }
    /// Unix milliseconds.
    var created: Int64 { order.created }
    var id: JobID { quote.jobID }

    /// What never changes of a job, in one place: jobs are copied often, and these have dozens of parts.
    private final class Order: Sendable {
        let spec: JobSpec
        let quote: Quote
        let created: Int64

        init(spec: JobSpec, quote: Quote, created: Int64) { (self.spec, self.quote, self.created) = (spec, quote, created) }
    }
}

/// An accepted output with all that answers for it.
final class FinishedWork: Sendable {
    let output: OutputMetadata
    let claim: ReceiptClaim
    let record: VerificationRecord

    init(output: OutputMetadata, claim: ReceiptClaim, record: VerificationRecord) { (self.output, self.claim, self.record) = (output, claim, record) }
}

/// A lease as the store keeps it: also what came of it, so that a repeated message gets the same answer.
struct StoredLease: Sendable {
    let grant: LeaseGrant
    let job: JobID
    /// Where the reward goes, as registered when the lease was given.
    let payout: Address
    /// The output that the holder committed to.
    var commitment: LeaseResult? {
        get { committed?.result }
        set { committed = newValue.map(Commitment.init) }
    }
    var outcome: LeaseOutcome?
    private var committed: Commitment?

    init(grant: LeaseGrant, job: JobID, payout: Address, commitment: LeaseResult? = nil, outcome: LeaseOutcome? = nil) {
        (self.grant, self.job, self.payout, self.outcome) = (grant, job, payout, outcome)
        self.commitment = commitment
    }

    /// The same lease with another end.
    func granted(_ grant: LeaseGrant) -> StoredLease {
        var copy = StoredLease(grant: grant, job: job, payout: payout, outcome: outcome)
        copy.committed = committed
        return copy
    }

    var isCommitted: Bool { committed != nil }

    /// Shared by the lease's copies.
    private final class Commitment: Sendable {
        let result: LeaseResult

        init(_ result: LeaseResult) { self.result = result }
    }
}

/// How a lease ended.
indirect enum LeaseOutcome: Sendable {
    case accepted(LeaseResultAnswer)
    case refused(Problem)
}

/// A worker as the store keeps it.
struct StoredWorker: Sendable {
    var registration: WorkerRegistration
    var draining: Bool
}

/// A blob as the store keeps it, and who uploaded it: a key's quota counts it.
struct StoredBlob: Sendable {
    let root: Digest
    let bytes: Int
    let owner: Address
}

/// An upload that is not whole: its room is taken until it is, or until nobody has gone on with it for long.
struct StoredUpload: Sendable {
    let key: UploadKey
    /// Of the whole blob.
    let bytes: Int
    /// Unix milliseconds.
    let used: Int64
}

/// Everything that one event changes of a job.
struct JobChange: Sendable {
    let job: StoredJob
    var lease: StoredLease?
    /// The lease as the store has it; nil where that isn't known, or there is none.
    var knownLease: StoredLease?
    /// Whether the store has `job.finished` already: it never changes.
    var knowsFinished = false
    /// Whether the escrow is to be refunded: the order is written down, unless the job's output was accepted.
    var refund = false
}

/// A tensor small enough to be kept in the database, where a commit of its own would cost more than its bytes.
struct SmallBlob: Sendable {
    let root: Digest
    let bytes: [UInt8]
    let owner: Address
}

/// Whose standing it is.
enum StandingOwner: Sendable, Hashable {
    case worker(Address)
    case payout(Address)

    /// The name in the store.
    var name: String {
        switch self {
        case .worker(let address): "worker \(address.text)"
        case .payout(let address): "payout \(address.text)"
        }
    }
}

/// What belongs together: written in one transaction, or not at all.
struct BoardChange: Sendable {
    var jobs: [JobChange] = []
    var blobs: [SmallBlob] = []
    var standings: [StandingOwner: WorkerStanding] = [:]
    var views: [Address: WorkerView] = [:]
    var demand: [DemandLine] = []
    /// Unix milliseconds.
    var now: Int64 = 0
}
