import Jobs
import Ledger
import Signing
import Wire

/// A job as the store keeps it.
struct StoredJob: Sendable {
    let spec: JobSpec
    let quote: Quote
    var state: JobState
    /// Unix milliseconds.
    let created: Int64
    /// What was accepted and signed; absent before.
    var finished: FinishedWork?

    var id: JobID { quote.jobID }
}

/// An accepted output with all that answers for it.
struct FinishedWork: Sendable {
    let output: OutputMetadata
    let claim: ReceiptClaim
    let record: VerificationRecord
}

/// A lease as the store keeps it: also what came of it, so that a repeated message gets the same answer.
struct StoredLease: Sendable {
    let grant: LeaseGrant
    let job: JobID
    /// Where the reward goes, as registered when the lease was given.
    let payout: Address
    /// The output that the holder committed to.
    var commitment: LeaseResult?
    var outcome: LeaseOutcome?
}

/// How a lease ended.
enum LeaseOutcome: Sendable {
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
    /// Unix milliseconds.
    var now: Int64 = 0
}
