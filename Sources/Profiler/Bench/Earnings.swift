package import Jobs

/// What a machine could have earned of the last day's demand, from measured rates and the coordinator's own figures alone.
///
/// The demand is what clients paid for within the last 24 hours; it is shared by workers, and nobody knows how it will be tomorrow.
/// - low: this machine joins those that are there, and each gets its share by its speed: units × own / (others + own).
/// - high: everything of it that this machine could compute in a day by itself, at its measured rate.
/// A compute unit is 10^6 operations, and the price of jobs is counted in units of F32 products' speed here: small jobs wait more than they
/// compute, so that `high` is a bound and no promise.
package struct Earnings: Sendable, Equatable {
    /// Base units a day: 10^−6 AIT.
    package let low: Int64
    package let high: Int64
    /// Units a day that the machine could do, and that were asked for.
    package let ownUnits: Int64
    package let demandedUnits: Int64
    /// What a worker keeps of each unit: the price that was paid less what the claim burns, and the mint.
    package let perUnit: Double

    /// - Parameters:
    ///   - f32: operations per second, measured. Added to the network's even where this machine works for it already: the low end is low.
    /// - Returns: nil where the coordinator tells no demand, or there is no measured rate.
    package init?(_ state: NetworkState, f32 operationsPerSecond: Int64) {
        guard let demand = state.demand, operationsPerSecond > 0 else { return nil }
        let total = demand.total
        let own = Double(operationsPerSecond)
        // The coordinator's clock says how long the counted time was; the running hour is not over.
        let days = max(Double(demand.untilMilliseconds - demand.sinceMilliseconds), 3_600_000) / 86_400_000
        let units = Double(total.units) / days
        // What was really paid for a unit; where nothing was, nothing was earned.
        let price = total.units > 0 ? Double(total.paid) / Double(total.units) : Double(state.pricePerUnit)
        perUnit = price * (1 - Double(min(max(state.burnBps, 0), 10_000)) / 10_000) + Double(max(0, state.mintPerUnit))
        let others = max(0, Double(state.f32FlopsPerSecond))
        ownUnits = Self.whole(own / 1e6 * 86_400)
        demandedUnits = Self.whole(units)
        low = Self.whole(min(units * own / (others + own), own / 1e6 * 86_400) * perUnit)
        high = Self.whole(min(units, own / 1e6 * 86_400) * perUnit)
    }

    private static func whole(_ value: Double) -> Int64 { Int64(exactly: min(max(value.isFinite ? value : 0, 0), 9e15).rounded()) ?? 0 }
}
