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
    /// The height of the block with the receipt's claim; `nil` until there is one.
    func claimHeight(_ receipt: ReceiptID) async throws(Problem) -> Int64?
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

    package init(
        blockIntervalSeconds: Int64, escrowTimeoutBlocks: Int64, minPricePerUnit: Int64, maxUnitsPerClaim: Int64, baseFee: Int64, feePerByte: Int64
    ) {
        self.baseFee = baseFee
        self.feePerByte = feePerByte
        self.blockIntervalSeconds = blockIntervalSeconds
        self.escrowTimeoutBlocks = escrowTimeoutBlocks
        self.minPricePerUnit = minPricePerUnit
        self.maxUnitsPerClaim = maxUnitsPerClaim
    }

    /// The least price that lets a miner pay the fee of its claim, whose payload has under 2,048 bytes. Throws `out_of_range` over 2^53−1.
    func claimFee() throws(Problem) -> Int64 { try Amount.add(baseFee, Amount.multiply(feePerByte, 2048)) }
}

/// An escrow as the chain records it.
package struct EscrowView: Sendable, Equatable {
    package let client: Address
    package let coordinator: PublicKey
    package let payment: Digest
    package let computeUnits: Int64
    package let price: Int64
    package let parts: Int64
    /// The height of the block with the deposit.
    package let opened: Int64
    /// Neither closing, settled nor refunded.
    package let isOpen: Bool

    package init(
        client: Address, coordinator: PublicKey, payment: Digest, computeUnits: Int64, price: Int64, parts: Int64, opened: Int64, isOpen: Bool
    ) {
        self.client = client
        self.coordinator = coordinator
        self.payment = payment
        self.computeUnits = computeUnits
        self.price = price
        self.parts = parts
        self.opened = opened
        self.isOpen = isOpen
    }

    /// Whether this is the deposit that `quote` asks for, and still there to be claimed.
    package func pays(_ quote: Quote) -> Bool {
        isOpen && client == quote.client && coordinator == quote.coordinator && price == quote.price
            && computeUnits == quote.computeUnits && parts == quote.parts && opened <= quote.expiresHeight
    }
}
