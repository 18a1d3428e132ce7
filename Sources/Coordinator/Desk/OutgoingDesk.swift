import Jobs
import Ledger
import Logging
import Signing
import Wire

/// Sends what the coordinator owes the chain: refunds from its own account, a sponsor's payments from the sponsor's.
///
/// A line is written down before its transaction is sent, with nonce and signature, and the same bytes are sent again until they
/// are in a block. What a line is about is the escrow: whatever became of a transaction, the escrow says whether the line is done,
/// so that a second transaction after a crash can cost a fee and never money.
actor OutgoingDesk {
    private let keys: [Address: PrivateKey]
    private let chainID: ChainID
    private let chain: any ChainPort
    private let store: any JobStore
    private let clock: any ServiceClock
    private let metrics: BoardMetrics
    private let logger: Logger
    private let queue = WorkQueue("adit.coordinator.desk")
    /// Lines that rest after a refusal: until when, in Unix milliseconds, and how long they rested last.
    private var rests: [Int64: (until: Int64, pause: Int64)] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe queue.asUnownedSerialExecutor() }

    /// Lines that are looked at in one round, and transactions of one sender under way: half of what a mempool takes of one.
    private static let roundLimit = 512
    private static let flightLimit = 32
    private static let pauses: ClosedRange<Int64> = 2000...600_000

    init(
        keys: [PrivateKey], chainID: ChainID, chain: any ChainPort, store: any JobStore, clock: any ServiceClock, metrics: BoardMetrics, logger: Logger
    ) {
        self.keys = Dictionary(keys.map { ($0.address, $0) }) { first, _ in first }
        self.chainID = chainID
        self.chain = chain
        self.store = store
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Looks after all open lines once. Throws where chain or store can't be reached; the next round goes on.
    func round(height: Int64, terms: ChainTerms) async throws(Problem) {
        let open = try store.openOutgoing(limit: Self.roundLimit)
        metrics.outgoing(open)
        rests = rests.filter { id, _ in open.contains { $0.id == id } }
        for line in open where line.stage == .closing { try await look(line, height: height) }
        for (sender, key) in keys {
            try await serve(open.filter { $0.sender == sender && $0.stage != .closing }, key, height: height, terms: terms)
        }
    }

    // MARK: one sender

    private func serve(_ lines: [Outgoing], _ key: PrivateKey, height: Int64, terms: ChainTerms) async throws(Problem) {
        guard !lines.isEmpty else { return }
        var used = try await chain.lastNonce(of: key.address)
        // What became of those under way, in the order of their nonces. `used` was read before: a transaction of an earlier nonce
        // that the node does not know now was overtaken by another one and will never be in a block.
        var flying: [(line: Outgoing, isPending: Bool)] = []
        var due: [Outgoing] = lines.filter { $0.transaction == nil }
        for line in lines.filter({ $0.transaction != nil }).sorted(by: { ($0.transaction?.nonce ?? 0) < ($1.transaction?.nonce ?? 0) }) {
            guard let transaction = line.transaction else { continue }
            switch try await chain.transaction(transaction.hash(on: chainID)) {
            case .pending: flying.append((line, true))
            case .confirmed(let height):
                used = max(used, transaction.nonce)
                try await confirmed(line, height: height)
            case .failed(let height, let code):
                used = max(used, transaction.nonce)
                try await refused(line, code, height: height)
            case nil where transaction.nonce <= used: due.append(try withdraw(line))
            case nil: flying.append((line, false))
            }
        }
        // Nonces have to follow on one another; behind a gap they are given anew.
        var next = used + 1
        var kept: [(line: Outgoing, isPending: Bool)] = []
        for entry in flying {
            if entry.line.transaction?.nonce == next {
                next += 1
                kept.append(entry)
            } else {
                due.append(try withdraw(entry.line))
            }
        }
        for entry in kept where !entry.isPending {
            guard try await send(entry.line, key, height: height, terms: terms) else { return }
        }
        let now = clock.nowMilliseconds
        for line in due.sorted(by: { $0.id < $1.id }) where next - used <= Self.flightLimit && (rests[line.id]?.until ?? 0) <= now {
            if try await isSettled(line, height: height) { continue }
            let signed = try sign(line, key, nonce: next, fee: try terms.fee(line.payload))
            guard try await send(signed, key, height: height, terms: terms) else { return }
            next += 1
        }
    }

    /// The line with a transaction of this nonce, written down.
    private func sign(_ line: Outgoing, _ key: PrivateKey, nonce: Int64, fee: Int64) throws(Problem) -> Outgoing {
        var line = line
        line.transaction = Transaction.signed(by: key, chain: chainID, nonce: nonce, fee: fee, payload: line.payload)
        line.stage = .sent
        try store.save(line)
        return line
    }

    /// The line without its transaction, which will be in no block or do no harm in one.
    private func withdraw(_ line: Outgoing) throws(Problem) -> Outgoing {
        var line = line
        line.transaction = nil
        line.stage = .due
        try store.save(line)
        return line
    }

    /// Hands a line's transaction in. Returns false if this sender's later ones have to wait for the next round.
    private func send(_ line: Outgoing, _ key: PrivateKey, height: Int64, terms: ChainTerms) async throws(Problem) -> Bool {
        guard let transaction = line.transaction else { return true }
        let result: Result<Void, Problem>
        do throws(Problem) {
            try await chain.send(transaction)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        guard case .failure(let problem) = result else {
            logger.info("\(line.kind.rawValue)_sent", metadata: ["job_id": "\(line.job)", "nonce": .stringConvertible(transaction.nonce)])
            return true
        }
        switch problem.code {
        case .transportFailed, .timeout, .unavailable, .syncing, .rateLimited, .internalError, .ioFailed, .badAnswer, .mempoolFull, .canceled: throw problem
        // Somebody uses the account besides: the next round sees what is in the blocks.
        case .nonceTooLow, .nonceGap: return false
        case .replacementFeeTooLow:
            // Another transaction of this nonce waits. Ten per cent more takes its place, up to what eight such steps come to.
            let least = try terms.fee(line.payload)
            let fee = try Amount.add(transaction.fee, transaction.fee / 10 + 1)
            guard fee <= max(try Amount.multiply(least, 2), 64) else { return false }
            _ = try sign(line, key, nonce: transaction.nonce, fee: fee)
            return false
        default:
            // It takes no nonce: those behind it are signed anew.
            try await refused(line, problem.code, height: nil)
            return false
        }
    }

    // MARK: what became of it

    private func confirmed(_ line: Outgoing, height: Int64) async throws(Problem) {
        var line = line
        line.height = height
        line.stage = line.kind == .refund ? .closing : .done
        try store.save(line)
        logger.info("\(line.kind.rawValue)_confirmed", metadata: ["job_id": "\(line.job)", "height": .stringConvertible(height)])
    }

    /// A transaction that took no effect: the escrow decides; where it does not, the line rests and is tried again.
    private func refused(_ line: Outgoing, _ code: Problem.Code, height: Int64?) async throws(Problem) {
        logger.warning("\(line.kind.rawValue)_refused", metadata: ["job_id": "\(line.job)", "code": "\(code.rawValue)"])
        var line = try withdraw(line)
        line.code = code
        let pause = min(max((rests[line.id]?.pause ?? 0) * 2, Self.pauses.lowerBound), Self.pauses.upperBound)
        rests[line.id] = (clock.nowMilliseconds + pause, pause)
        try store.save(line)
    }

    /// Whether the escrow is as the line wants it, or can't become so: then the line is at its end.
    private func isSettled(_ line: Outgoing, height: Int64) async throws(Problem) -> Bool {
        let escrow = try await chain.escrow(line.job)
        var end = line
        switch (line.kind, escrow?.status) {
        case (.payment, .some):
            end.stage = .done
        case (.payment, nil):
            guard case .transfer(let transfer) = line.payload, let quote = transfer.quote, height >= quote.expiresHeight else { return false }
            (end.stage, end.code) = (.dropped, .quoteExpired)
        case (.refund, .closing):
            end.stage = .closing
        case (.refund, .refunded):
            (end.stage, end.height) = (.done, height)
        case (.refund, .settled):
            // A claim came first: somebody else's coordinator signed with this key, or an older store did.
            (end.stage, end.code) = (.dropped, .escrowClosed)
        case (.refund, .open), (.refund, nil): return false
        }
        try store.save(end)
        if end.stage != .closing { logger.info("\(line.kind.rawValue)_\(end.stage.rawValue)", metadata: ["job_id": "\(line.job)"]) }
        return true
    }

    /// Whether a closing escrow has been paid back.
    private func look(_ line: Outgoing, height: Int64) async throws(Problem) {
        guard let escrow = try await chain.escrow(line.job), escrow.status != .closing else { return }
        // Open again: the chain went back behind the refund's block.
        if escrow.status == .open { _ = try withdraw(line) } else { _ = try await isSettled(line, height: height) }
    }
}
