import Jobs
import Ledger
import Signing
import Wire

/// Where the coordinator's state is kept. Every call is one transaction that is on the disk when it returns.
///
/// Calls block: they are made from the board's own queue.
protocol JobStore: Sendable {
    /// Jobs that are not at an end, and the latest completed ones whose claim no block holds yet; in the order they came.
    func openJobs() throws(Problem) -> [StoredJob]
    func job(_ id: JobID) throws(Problem) -> StoredJob?
    /// A page of one client's jobs, newest first, before the position `before`.
    func jobs(of client: Address, stage: TaskStage?, before: Int64?, limit: Int) throws(Problem) -> [(position: Int64, job: StoredJob)]
    /// Jobs by phase.
    func counts() throws(Problem) -> [String: Int64]
    /// Units and prices of all jobs whose output was accepted, and of those whose claim is in a block.
    func totals() throws(Problem) -> NetworkTotals
    /// What was accepted from that hour (since 1970) on; two days are kept.
    func demand(since hour: Int64) throws(Problem) -> [DemandLine]
    /// Throws `sponsor_exhausted` where a cap is reached.
    func checkSponsor(_ sender: Address, perHour: Int64, inAll: Int64, now: Int64) throws(Problem)
    /// Writes a new job; with a key, so that the same call gives the same job.
    ///
    /// A sponsored job is written together with its payment; `sponsor_exhausted` where that would pass a cap, and nothing is written.
    func insert(_ job: StoredJob, client: PublicKey, idempotency: IdempotencyKey?, payment: SponsoredPayment?) throws(Problem)
    /// The job that a sponsored task's ticket is for.
    func job(ticket: String) throws(Problem) -> JobID?
    func job(for key: IdempotencyKey) throws(Problem) -> (id: JobID, body: Digest)?
    /// Throws `not_ready`, and writes nothing, for an accepted output of a job whose refund was written down.
    func apply(_ change: BoardChange) throws(Problem)
    /// The open lines of the desk, oldest first.
    func openOutgoing(limit: Int) throws(Problem) -> [Outgoing]
    func outgoing(_ kind: Outgoing.Kind, of job: JobID) throws(Problem) -> Outgoing?
    func save(_ line: Outgoing) throws(Problem)
    /// Writes a refund's line; false where there is one, and for a job whose output was accepted.
    func orderRefund(of job: JobID, from sender: Address, now: Int64) throws(Problem) -> Bool
    /// Lines of the desk by `kind stage`.
    func outgoingCounts() throws(Problem) -> [String: Int64]
    func lease(_ id: String) throws(Problem) -> StoredLease?
    func save(_ worker: StoredWorker) throws(Problem)
    /// How a worker or payout address stands; `nil` for one that nothing is known of.
    func standing(_ owner: StandingOwner) throws(Problem) -> WorkerStanding?
    /// The bytes of a blob that is kept here and not in a file.
    func smallBlob(_ root: Digest) throws(Problem) -> [UInt8]?
    /// What a worker has shown; `nil` for one that has shown nothing.
    func view(of worker: Address) throws(Problem) -> WorkerView?
    func save(_ view: WorkerView, of worker: Address) throws(Problem)
    /// Forgets a worker and what it has shown, not how it stands.
    func removeWorker(_ address: Address) throws(Problem)
    func workers() throws(Problem) -> [StoredWorker]
    /// The keys of all clients and workers.
    func knownKeys() throws(Problem) -> [PublicKey]
    /// Nonces of requests whose time lay ahead of this clock, with the second they may be forgotten after: a restart must know them.
    func nonces(after second: Int64) throws(Problem) -> [String: Int64]
    func saveNonce(_ name: String, expires: Int64) throws(Problem)
    /// Bytes of the blobs that count for each key.
    func blobBytes() throws(Problem) -> [Address: Int]
    /// Notes a blob as used at `now`, in Unix milliseconds. Returns false if it was known, and then stays its first owner's.
    func saveBlob(_ blob: StoredBlob, now: Int64) throws(Problem) -> Bool
    func touchBlobs(_ roots: Set<Digest>, now: Int64) throws(Problem)
    /// Gives those of the blobs that are one owner's to another; returns their bytes.
    func passBlobs(_ roots: [Digest], from owner: Address, to heir: Address) throws(Problem) -> Int
    /// Forgets blobs not used since `time`, longest unused first, each together with what `remove` removes; an upload of the same
    /// blob comes before or after, never between.
    func expireBlobs(before time: Int64, limit: Int, remove: (Digest) throws(Problem) -> Void) throws(Problem) -> [StoredBlob]
    /// Takes back the note of a blob whose file never came.
    func forgetBlob(_ root: Digest) throws(Problem)
    /// Uploads that are not whole.
    func uploads() throws(Problem) -> [StoredUpload]
    /// How many a key has.
    func uploads(of owner: Address) throws(Problem) -> Int
    func upload(_ key: UploadKey) throws(Problem) -> StoredUpload?
    func save(_ upload: StoredUpload) throws(Problem)
    /// Notes that the upload was gone on with, to ten minutes.
    func touchUpload(_ key: UploadKey, now: Int64) throws(Problem)
    func removeUpload(_ key: UploadKey) throws(Problem)
}

/// A client's own name for one call, and the hash of the call's body.
struct IdempotencyKey: Sendable, Hashable {
    let client: Address
    let key: String
    let body: Digest
}
