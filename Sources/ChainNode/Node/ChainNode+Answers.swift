package import Ledger
package import Wire

/// What a node says of a transaction: PROTOCOL section 7, getTx.
package struct TransactionStatus: Sendable {
    package enum Status: String, Sendable { case pending, confirmed, failed }

    package let status: Status
    package let transaction: Transaction
    /// Of its block; nil while pending.
    package let height: Int64?
    /// Why it failed, as a code.
    package let error: String?
    /// The settled receipt of a confirmed claim.
    package let receipt: Receipt?

    /// Members that don't apply are left out.
    package var json: JSON {
        var members: [(String, JSON)] = [("status", .string(status.rawValue)), ("tx", transaction.json)]
        if let height { members.append(("height", .integer(height))) }
        if let error { members.append(("error", .string(error))) }
        if let receipt { members.append(("receipt", receipt.json)) }
        return .object(JSONObject(distinct: members))
    }
}

/// What a transaction came to, without the transaction: whoever asks for many knows what it sent.
package struct TransactionStanding: Sendable {
    package let status: TransactionStatus.Status
    /// Of its block; nil while pending.
    package let height: Int64?
    /// Why it failed, as a code.
    package let error: String?

    package var json: JSON {
        var members: [(String, JSON)] = [("status", .string(status.rawValue))]
        if let height { members.append(("height", .integer(height))) }
        if let error { members.append(("error", .string(error))) }
        return .object(JSONObject(distinct: members))
    }
}

/// Whether a node's head is as new as it should be.
package struct NodeHealth: Sendable, Equatable {
    package let height: Int64
    /// Seconds since the head's timestamp.
    package let age: Int64
    package let isRecent: Bool
}

extension ChainNode {
    /// Where a transaction stands; nil where neither the mempool nor a block has it.
    package func transaction(_ hash: Digest) async throws(Problem) -> TransactionStatus? {
        if let waiting = pending(hash) {
            return TransactionStatus(status: .pending, transaction: waiting, height: nil, error: nil, receipt: nil)
        }
        guard let stored = try await store.transaction(hash: hash) else { return nil }
        var receipt: Receipt?
        if stored.error == nil, case .receiptClaim(let claim) = stored.transaction.payload { receipt = state.receipt(claim.terms.receiptID) }
        return TransactionStatus(
            status: stored.error == nil ? .confirmed : .failed, transaction: stored.transaction, height: stored.height, error: stored.error,
            receipt: receipt)
    }

    /// Where transactions stand, in the order of their hashes; nil for those that neither the mempool nor a block has.
    package func standings(of hashes: [Digest]) async throws(Problem) -> [TransactionStanding?] {
        let waiting = hashes.map { pending($0) != nil }
        // The mempool was asked first: what has left it since is in a block by now.
        let settled = try await store.outcomes(of: zip(hashes, waiting).compactMap { hash, waits in waits ? nil : hash })
        return zip(hashes, waiting).map { hash, waits in
            if waits { return TransactionStanding(status: .pending, height: nil, error: nil) }
            return settled[hash].map { TransactionStanding(status: $0.error == nil ? .confirmed : .failed, height: $0.height, error: $0.error) }
        }
    }

    /// Recent: no older than five block intervals, and at least ten seconds.
    package func health() -> NodeHealth {
        let (age, overflow) = clock.now().subtractingReportingOverflow(head.header.timestamp)
        let limit = max(10, 5 * state.parameters[.blockInterval])
        return NodeHealth(height: head.header.height, age: overflow ? .max : age, isRecent: !overflow && age <= limit)
    }
}
