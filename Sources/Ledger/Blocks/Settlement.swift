package import Wire

/// How a claim's price is paid out and what is minted for it, in base units (PROTOCOL section 4).
package struct Settlement: Hashable, Sendable {
    /// Destroyed: price × `burn_bps`, rounded down.
    package let burned: Int64
    /// Minted for the miner: units × `mint_per_unit`, as far as `max_supply` allows.
    package let minerMint: Int64
    /// Minted for the coordinator: units × `mint_per_unit` × `coordinator_bps`, likewise.
    package let coordinatorMint: Int64
    /// Minted for the treasury: units × `mint_per_unit` × `treasury_bps`, likewise.
    package let treasuryMint: Int64
    /// What goes to the payout address, before the claim's fee: price − burned + the miner's mint.
    package let payout: Int64

    package var minted: Int64 { minerMint + coordinatorMint + treasuryMint }

    /// - Parameter supply: what there is before the claim. The burn makes room first; then miner, coordinator and treasury take
    ///   what is left under `max_supply`, in this order.
    /// - Throws: `out_of_range` when an amount is over 2^53−1.
    package init(units: Int64, price: Int64, parameters: Parameters, supply: Int64) throws(Problem) {
        burned = try Amount.basisPoints(parameters[.burnBps], of: price)
        let mint = try Amount.multiply(units, parameters[.mintPerUnit])
        let circulating = try Amount.subtract(supply, burned)
        var room = max(0, parameters[.maxSupply] - circulating)
        minerMint = min(mint, room)
        room -= minerMint
        coordinatorMint = min(try Amount.basisPoints(parameters[.coordinatorBps], of: mint), room)
        room -= coordinatorMint
        treasuryMint = min(try Amount.basisPoints(parameters[.treasuryBps], of: mint), room)
        payout = try Amount.add(price - burned, minerMint)
    }
}
