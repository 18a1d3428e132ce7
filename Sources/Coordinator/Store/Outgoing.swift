import Ledger
import Signing
import Wire

/// A transaction that the coordinator owes the chain. It is written down before it is sent, and kept for good: a refund's line
/// is also the mark that its job may never be attested.
struct Outgoing: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// ESCROW_REFUND, from the coordinator's own account.
        case refund
        /// The TRANSFER that opens the escrow of a sponsored task, from the sponsor's account.
        case payment
    }

    enum Stage: String, CaseIterable, Sendable {
        /// To be signed with the sender's next free nonce.
        case due
        /// Signed and written down; sent, or to be sent again.
        case sent
        /// The refund is in a block, and the escrow is closing.
        case closing
        /// The escrow is as the transaction meant it to be.
        case done
        /// Given up: `code` says why.
        case dropped
    }

    let id: Int64
    let kind: Kind
    let job: JobID
    let sender: Address
    let payload: Payload
    /// What a sponsor pays with it, in base units, the fee included.
    let amount: Int64
    /// Unix milliseconds.
    let created: Int64
    var stage: Stage
    var transaction: Transaction?
    /// The height of the transaction's block; of a refund that is done, the last one seen with the money back.
    var height: Int64?
    var code: Problem.Code?
}

/// What a task of a sponsor's adds to its job: the payment, and the bounds that it must stay within.
struct SponsoredPayment: Sendable {
    let sender: Address
    let payload: Payload
    /// In base units, the fee included.
    let amount: Int64
    /// `task_` and 32 hex digits: who knows it may see the task.
    let ticket: String
    let perHour: Int64
    let inAll: Int64
}
