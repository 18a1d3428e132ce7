package import Ledger
package import Signing
package import Wire

/// What the coordinator asks of the chain. The node's HTTP API stands behind it.
package protocol ChainPort: Sendable {
    /// The height of the node's head.
    func height() async throws(Problem) -> Int64
    func terms() async throws(Problem) -> ChainTerms
    /// The job's escrow; `nil` while no block holds its deposit.
    func escrow(_ job: JobID) async throws(Problem) -> EscrowView?
    /// The same for up to 256 jobs, in their order.
    func escrows(_ jobs: [JobID]) async throws(Problem) -> [EscrowView?]
    /// The heights of the blocks with the claims of up to 256 receipts, in their order; `nil` until there is one.
    func claimHeights(_ receipts: [ReceiptID]) async throws(Problem) -> [Int64?]
    /// The escrows that still hold money, in the order of job ids, a page at a time: `next` is given as `after` for the next one.
    func openEscrows(of coordinator: PublicKey, after: JobID?) async throws(Problem) -> EscrowPage
    /// The last nonce that the account used in a block; 0 for an unknown one.
    func lastNonce(of address: Address) async throws(Problem) -> Int64
    /// Hands a transaction in; the same one may be handed in again. Throws the node's refusal.
    func send(_ transaction: Transaction) async throws(Problem)
    /// Where a transaction stands; `nil` if the node does not know it.
    func transaction(_ hash: Digest) async throws(Problem) -> ChainTransaction?
}

/// Where a transaction stands.
package enum ChainTransaction: Sendable, Equatable {
    case pending
    case confirmed(height: Int64)
    /// In a block, the fee charged and nothing else changed.
    case failed(height: Int64, Problem.Code)
}

package struct EscrowPage: Sendable, Equatable {
    package let escrows: [EscrowView]
    /// `nil` on the last page.
    package let next: JobID?

    package init(escrows: [EscrowView], next: JobID?) {
        self.escrows = escrows
        self.next = next
    }
}

/// The chain's parameters that bear on quotes and leases.
package struct ChainTerms: Sendable, Equatable {
    package let blockIntervalSeconds: Int64
    package let escrowTimeoutBlocks: Int64
    /// In base units a compute unit.
    package let minPricePerUnit: Int64
    /// 0: no limit.
    package let maxUnitsPerClaim: Int64
    /// In base units: of a transaction, and of a byte of its payload.
    package let baseFee: Int64
    package let feePerByte: Int64
    /// The share of a price that its claim destroys, in basis points.
    package let burnBps: Int64
    /// In base units a compute unit.
    package let mintPerUnit: Int64
    /// Whether the chain lists this coordinator's key; no escrow opens and no claim settles without.
    package let isListed: Bool

    package init(
        blockIntervalSeconds: Int64, escrowTimeoutBlocks: Int64, minPricePerUnit: Int64, maxUnitsPerClaim: Int64, baseFee: Int64, feePerByte: Int64,
        burnBps: Int64 = 0, mintPerUnit: Int64 = 0, isListed: Bool = true
    ) {
        self.burnBps = burnBps
        self.mintPerUnit = mintPerUnit
        self.isListed = isListed
        self.baseFee = baseFee
        self.feePerByte = feePerByte
        self.blockIntervalSeconds = blockIntervalSeconds
        self.escrowTimeoutBlocks = escrowTimeoutBlocks
        self.minPricePerUnit = minPricePerUnit
        self.maxUnitsPerClaim = maxUnitsPerClaim
    }

    /// The least price whose rest after the burn lets a miner pay the fee of its claim, whose payload has under 2,048 bytes.
    ///
    /// Where all of a price is burned no price does; the fee itself is asked for then, and the mint has to bear it.
    /// Throws `out_of_range` over 2^53−1.
    func priceFloor() throws(Problem) -> Int64 {
        let fee = try Amount.add(baseFee, Amount.multiply(feePerByte, 2048))
        let kept = 10_000 - burnBps
        guard burnBps > 0, kept > 0, fee > 0 else { return fee }
        // The burn is rounded down, so ⌈price·kept/10,000⌉ is left: at least `fee` from here on.
        return try Amount.add(Amount.multiply(fee - 1, 10_000) / kept, 1)
    }

    /// The least fee of a transaction with this payload.
    func fee(_ payload: Payload) throws(Problem) -> Int64 { try Amount.add(baseFee, Amount.multiply(feePerByte, Int64(payload.json.canonicalBytes.count))) }
}

/// An escrow as the chain records it.
package struct EscrowView: Sendable, Equatable {
    package let jobID: JobID
    package let client: Address
    package let coordinator: PublicKey
    package let payment: Digest
    package let computeUnits: Int64
    package let price: Int64
    package let parts: Int64
    /// The height of the block with the deposit.
    package let opened: Int64
    package let status: Escrow.Status

    /// Neither closing, settled nor refunded.
    package var isOpen: Bool { status == .open }

    package init(
        jobID: JobID, client: Address, coordinator: PublicKey, payment: Digest, computeUnits: Int64, price: Int64, parts: Int64, opened: Int64,
        status: Escrow.Status
    ) {
        self.jobID = jobID
        self.client = client
        self.coordinator = coordinator
        self.payment = payment
        self.computeUnits = computeUnits
        self.price = price
        self.parts = parts
        self.opened = opened
        self.status = status
    }

    /// Whether this is the deposit that `quote` asks for, and still there to be claimed.
    package func pays(_ quote: Quote) -> Bool {
        isOpen && jobID == quote.jobID && client == quote.client && coordinator == quote.coordinator && price == quote.price
            && computeUnits == quote.computeUnits && parts == quote.parts && opened <= quote.expiresHeight
    }
}
