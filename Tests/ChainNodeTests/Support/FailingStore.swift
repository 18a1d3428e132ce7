import ChainNode
import Ledger
import Signing
import Synchronization
import Wire

/// A real store whose disk fails once, at the worst moment: what a crash there leaves behind.
final class FailingStore: ChainStore {
    /// `after…`: the write reached the disk, and only its answer was lost.
    enum Point: Sendable { case beforeMark, afterMark, beforeBlock, afterBlock }

    private let base: any ChainStore
    private let point: Mutex<Point?>

    init(_ base: any ChainStore, at point: Point) {
        self.base = base
        self.point = Mutex(point)
    }

    private func fail(at here: Point) throws(Problem) {
        let isHere = point.withLock { point in
            defer { if point == here { point = nil } }
            return point == here
        }
        if isHere { throw Problem(.ioFailed, "the disk is full") }
    }

    func setSigningMark(_ mark: SigningMark) async throws(Problem) {
        try fail(at: .beforeMark)
        try await base.setSigningMark(mark)
        try fail(at: .afterMark)
    }

    func append(_ applied: AppliedBlock, transactions: [Transaction]) async throws(Problem) {
        try fail(at: .beforeBlock)
        try await base.append(applied, transactions: transactions)
        try fail(at: .afterBlock)
    }

    func identity() async throws(Problem) -> StoreIdentity? { try await base.identity() }
    func create(_ identity: StoreIdentity, genesis: Block, records: [RecordChange]) async throws(Problem) {
        try await base.create(identity, genesis: genesis, records: records)
    }
    func head() async throws(Problem) -> Block? { try await base.head() }
    func records() async throws(Problem) -> [RecordChange] { try await base.records() }
    func block(height: Int64) async throws(Problem) -> Block? { try await base.block(height: height) }
    func block(hash: Digest) async throws(Problem) -> Block? { try await base.block(hash: hash) }
    func transactions(height: Int64) async throws(Problem) -> [Transaction] { try await base.transactions(height: height) }
    func transaction(hash: Digest) async throws(Problem) -> StoredTransaction? { try await base.transaction(hash: hash) }
    func outcomes(of hashes: [Digest]) async throws(Problem) -> [Digest: StoredOutcome] { try await base.outcomes(of: hashes) }
    func escrows(of coordinator: PublicKey, status: Escrow.Status?, after job: JobID?, limit: Int) async throws(Problem) -> [Escrow] {
        try await base.escrows(of: coordinator, status: status, after: job, limit: limit)
    }
    func waiting() async throws(Problem) -> [WaitingTransaction] { try await base.waiting() }
    func setWaiting(_ waiting: [WaitingTransaction]) async throws(Problem) { try await base.setWaiting(waiting) }
    func peers() async throws(Problem) -> [Peer] { try await base.peers() }
    func add(_ peer: Peer) async throws(Problem) { try await base.add(peer) }
    func signingMark() async throws(Problem) -> SigningMark? { try await base.signingMark() }
}
