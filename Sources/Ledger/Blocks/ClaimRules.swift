import Signing
import Wire

// RECEIPT_CLAIM: who may be paid for what (PROTOCOL section 4).
extension BlockRun {
    /// Checks a claim in full and settles it; all or nothing, since the caller drops the layer when this throws.
    mutating func settle(_ claim: ReceiptClaim, sender: Address, fee: Int64, hash: Digest) throws(Problem) {
        let terms = claim.terms
        var escrow = try checkedEscrow(of: claim, sender: sender)
        try checkSignatures(claim, escrow: escrow, hash: hash)
        try checkMintLimit(terms.computeUnits, by: escrow.coordinator)
        let settlement = try Settlement(
            units: terms.computeUnits, price: terms.price, parameters: parameters, supply: countedSupply())
        guard settlement.payout >= fee else {
            throw Problem(.insufficientBalance, "the claim pays out \(settlement.payout), which does not cover its fee of \(fee)")
        }
        escrow.markClaimed(terms.part)
        overlay.set(escrow)
        overlay.set(Receipt(claim: claim, height: height))
        try overlay.credit(terms.payout, settlement.payout - fee)
        try overlay.credit(escrow.coordinator.address, settlement.coordinatorMint)
        try overlay.credit(.treasury, settlement.treasuryMint)
        try overlay.addMeta(LedgerState.mintedID, settlement.minted)
        try overlay.addMeta(LedgerState.burnedID, settlement.burned)
    }

    /// The claim's escrow, once everything but signatures and the mint limit is in order.
    private func checkedEscrow(of claim: ReceiptClaim, sender: Address) throws(Problem) -> Escrow {
        let terms = claim.terms
        guard terms.miner == sender, claim.minerKey.address == terms.miner else {
            throw Problem(.wrongMiner, "the sender, miner_addr and miner_pubkey are not one and the same")
        }
        guard terms.namesItself(on: chain) else { throw Problem(.wrongReceiptID, "the receipt's name does not follow from its lease") }
        guard let escrow = overlay.escrow(terms.jobID) else { throw Problem(.unknownEscrow, "\(terms.jobID) has no escrow") }
        guard !overlay.hasReceipt(terms.receiptID), !escrow.isClaimed(terms.part) else {
            throw Problem(.receiptAlreadyClaimed, "part \(terms.part) of \(terms.jobID) was claimed")
        }
        guard escrow.isClaimable(at: height) else {
            throw Problem(.escrowClosed, "the escrow of \(terms.jobID) is \(escrow.isClaimable ? "refunded in this block" : escrow.status.rawValue)")
        }
        // The escrow's coordinator, not merely the one that the claim names; and it must not have been revoked.
        guard claim.coordinatorKey == escrow.coordinator else {
            throw Problem(.unknownCoordinator, "the claim's coordinator is not the escrow's")
        }
        guard parameters.isCoordinator(escrow.coordinator) else { throw Problem(.unknownCoordinator, "the chain does not list the coordinator") }
        guard terms.client == escrow.client else { throw Problem(.escrowMismatch, "the escrow's client is \(escrow.client)") }
        guard claim.payment == escrow.payment else { throw Problem(.paymentMismatch, "another transaction opened the escrow") }
        guard terms.part < escrow.parts else { throw Problem(.escrowMismatch, "the job has \(escrow.parts) parts, there is no part \(terms.part)") }
        let units = try escrow.units(of: terms.part)
        guard terms.computeUnits == units else { throw Problem(.unitsMismatch, "part \(terms.part) has \(units) units, not \(terms.computeUnits)") }
        let price = try escrow.price(of: terms.part)
        guard terms.price == price else { throw Problem(.priceMismatch, "part \(terms.part) costs \(price), not \(terms.price)") }
        guard UInt128(price) >= Amount.product(units, parameters[.minPricePerUnit]) else {
            throw Problem(.priceTooLow, "the price is under \(parameters[.minPricePerUnit]) a unit")
        }
        let maxUnits = parameters[.maxUnitsPerClaim]
        guard maxUnits == 0 || units <= maxUnits else { throw Problem(.tooManyUnits, "a claim has at most \(maxUnits) units, this one \(units)") }
        return escrow
    }

    private func checkSignatures(_ claim: ReceiptClaim, escrow: Escrow, hash: Digest) throws(Problem) {
        if verified.coversInside(hash) { return }
        guard claim.minerSignatureHolds(on: chain) else { throw Problem(.badSignature, "the miner's signature does not hold") }
        guard claim.coordinatorSignatureHolds(on: chain, under: escrow.coordinator) else {
            throw Problem(.badSignature, "the coordinator's signature does not hold")
        }
    }

    /// The coordinator's mint over the last `mint_window` blocks, this one included: the units of its receipts, and this one's,
    /// times today's `mint_per_unit`. So it follows from the receipts in the state alone.
    private func checkMintLimit(_ units: Int64, by coordinator: PublicKey) throws(Problem) {
        let limit = parameters[.maxMintPerCoordinator]
        guard limit > 0 else { return }
        let perUnit = parameters[.mintPerUnit]
        let before = overlay.attested.units(by: coordinator, above: height - parameters[.mintWindow])
        let (mint, overflow) = (before + UInt128(units)).multipliedReportingOverflow(by: UInt128(perUnit))
        guard !overflow, mint <= UInt128(limit) else {
            throw Problem(.mintLimited, "the coordinator's mint of the last \(parameters[.mintWindow]) blocks would pass \(limit)")
        }
    }

    private func countedSupply() throws(Problem) -> Int64 {
        try Amount.subtract(
            Amount.add(overlay.meta(LedgerState.supplyID), overlay.meta(LedgerState.mintedID)), overlay.meta(LedgerState.burnedID))
    }
}
