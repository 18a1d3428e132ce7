import Wire

/// The integer parameters of a chain, by their names in the protocol (section 5), with default and range.
package enum Parameter: String, Hashable, Sendable, CaseIterable {
    case mintPerUnit = "mint_per_unit"
    case coordinatorBps = "coordinator_bps"
    case treasuryBps = "treasury_bps"
    case burnBps = "burn_bps"
    case minPricePerUnit = "min_price_per_unit"
    case maxSupply = "max_supply"
    case baseFee = "base_fee"
    case feePerByte = "fee_per_byte"
    case blockInterval = "block_interval_s"
    case escrowTimeout = "escrow_timeout_blocks"
    case refundDelay = "refund_delay_blocks"
    case unbonding = "unbonding_blocks"
    case maxUnitsPerClaim = "max_units_per_claim"
    case maxMintPerCoordinator = "max_mint_per_coordinator"
    case mintWindow = "mint_window"
    case cbpWindow = "cbp_window"

    package var defaultValue: Int64 {
        switch self {
        case .mintPerUnit: 1000
        case .coordinatorBps: 500
        case .treasuryBps, .burnBps, .minPricePerUnit, .feePerByte, .maxUnitsPerClaim, .maxMintPerCoordinator: 0
        case .maxSupply: 9_000_000_000_000_000
        case .baseFee: 10
        case .blockInterval: 2
        case .escrowTimeout, .unbonding, .mintWindow: 43_200
        case .refundDelay: 30
        case .cbpWindow: 100
        }
    }

    /// The longest window, in blocks, that the state remembers.
    static let maxWindow: Int64 = 1_000_000

    /// Throws `out_of_range` for a value that the parameter can't have.
    func check(_ value: Int64) throws(Problem) {
        guard range.contains(value) else {
            throw Problem(.outOfRange, "\(rawValue) is \(value), outside \(range.lowerBound)...\(range.upperBound)")
        }
    }

    package var range: ClosedRange<Int64> {
        switch self {
        case .coordinatorBps, .treasuryBps, .burnBps: 0...10_000
        case .blockInterval: 1...86_400
        case .mintWindow, .cbpWindow: 1...Self.maxWindow
        case .maxSupply: 1...JSON.maxInteger
        case .escrowTimeout, .refundDelay, .unbonding: 0...1_000_000_000
        case .mintPerUnit, .minPricePerUnit, .baseFee, .feePerByte, .maxUnitsPerClaim, .maxMintPerCoordinator: Amount.range
        }
    }
}
