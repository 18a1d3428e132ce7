import ChainClient
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// A client that is never killed, and believes what it was told: it repeats what got no answer, and remembers every acknowledgement.
struct Customer: Sendable {
    let town: Town
    let purse: Purse

    /// What a client was told of one order, each line an acknowledgement.
    struct Fulfilled: Sendable {
        let order: Int
        let job: JobID
        let price: Int64
        let payment: Digest
        let paidAt: Int64
        let outputHash: String
        let receipt: ReceiptID
        let claimedAt: Int64
    }

    init(_ town: Town) { (self.town, purse) = (town, Purse(town)) }

    /// From upload to the claim in a block.
    func fulfil(_ order: Order, patience: Duration) async throws -> Fulfilled {
        let deadline = ContinuousClock.now + patience
        for tensor in order.uploads {
            try await insist("upload", until: deadline) {
                if try await town.coordinator.hasBlob(tensor.root) { return }
                try await town.coordinator.putBlob(tensor.root, BytesSource(tensor.buffer.bytes))
            }
        }
        let answer = try await insist("quote", until: deadline) {
            try await town.coordinator.postTask(TaskRequest(spec: order.spec, client: town.client.address), idempotencyKey: "order-\(order.index)")
        }
        try answer.check(spec: order.spec, client: town.client.address, chain: town.chain)
        let (payment, paidAt) = try await purse.pay(answer.quote, until: deadline)
        let result = try await insist("result", until: deadline) { () -> TaskResult? in
            let status = try await town.coordinator.task(answer.taskID)
            guard status.stage != .failed else { throw Broken("order \(order.index) failed: \(status.reason?.rawValue ?? "no reason")") }
            return status.stage == .completed ? try await town.coordinator.taskResult(answer.taskID) : nil
        }
        try result.check(on: town.chain)
        let receipt = result.receipt.terms.receiptID
        let claimedAt = try await insist("claim", until: deadline) { try await town.node.getReceipt(receipt)?.height }
        await purse.settle()
        return Fulfilled(
            order: order.index, job: answer.taskID, price: answer.quote.price, payment: payment, paidAt: paidAt, outputHash: result.output.hash.text,
            receipt: receipt, claimedAt: claimedAt)
    }

    /// Asks once more for everything that was acknowledged. Throws where an answer is another one now.
    func check(_ fulfilled: Fulfilled, until deadline: ContinuousClock.Instant) async throws {
        let paid = try await insist("payment", until: deadline) { try await town.node.getTx(fulfilled.payment) }
        guard paid.status == .confirmed, paid.height == fulfilled.paidAt else {
            throw Broken("the payment of order \(fulfilled.order) was in block \(fulfilled.paidAt)")
        }
        let result = try await insist("result", until: deadline) { try await town.coordinator.taskResult(fulfilled.job) }
        guard result.receipt.terms.receiptID == fulfilled.receipt, result.output.hash.text == fulfilled.outputHash else {
            throw Broken("order \(fulfilled.order) has another result than before")
        }
        let record = try await insist("receipt", until: deadline) { try await town.node.getReceipt(fulfilled.receipt) }
        guard record.height == fulfilled.claimedAt, record.claim.terms.jobID == fulfilled.job else {
            throw Broken("receipt \(fulfilled.receipt) is elsewhere now")
        }
    }
}

/// A promise that was not kept.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Repeats a question until it is answered with something; a lost connection or a service that is down or just up is no answer.
@discardableResult func insist<Value>(
    _ what: String, until deadline: ContinuousClock.Instant, _ ask: @Sendable () async throws -> Value?
) async throws -> Value {
    var last = "nothing yet"
    while ContinuousClock.now < deadline {
        do {
            if let value = try await ask() { return value }
        } catch let problem as Problem where problem.code.mayPass {
            last = problem.description
        }
        try await Task.sleep(for: .milliseconds(100))
    }
    throw Broken("\(what): no answer in time; the last was: \(last)")
}

extension Problem.Code {
    /// What a party says, or its absence says, while it is killed, restarted or out of disk.
    fileprivate var mayPass: Bool {
        switch self {
        // A request's times are those of the server's run: a restart makes it out of date.
        case .transportFailed, .timeout, .unavailable, .syncing, .requestExpired, .replayedNonce, .badAnswer, .rateLimited, .ioFailed, .internalError: true
        // A node that was killed has forgotten transactions that are in no block; a coordinator may not know yet.
        case .nonceGap, .notReady, .unknownBlob: true
        default: false
        }
    }
}

/// The client's account: payments in order, each sent until it is in a block.
actor Purse {
    private let town: Town
    private var nonce: Int64 = 0
    /// Jobs that were paid to their miner.
    private(set) var settled = 0
    private static let fee: Int64 = 10

    init(_ town: Town) { self.town = town }

    func settle() { settled += 1 }

    private func sign(_ quote: Quote) throws -> Transaction {
        nonce += 1
        let payload = try Payload.transfer(Transfer(to: .escrow, amount: quote.price, quote: quote))
        return .signed(by: town.client, chain: town.chain, nonce: nonce, fee: Self.fee, payload: payload)
    }

    func pay(_ quote: Quote, until deadline: ContinuousClock.Instant) async throws -> (tx: Digest, height: Int64) {
        let transaction = try sign(quote)
        let hash = transaction.hash(on: town.chain)
        let height = try await insist("payment", until: deadline) { () -> Int64? in
            guard let state = try await town.node.getTx(hash) else {
                // It may come into a block between the two questions: a marked block is made again when a node starts.
                do { try await town.node.sendTx(transaction) } catch let problem as Problem where problem.code == .nonceTooLow {}
                return nil
            }
            guard state.status != .failed else { throw Broken("a payment failed: \(state.error?.description ?? "")") }
            return state.height
        }
        return (hash, height)
    }
}
