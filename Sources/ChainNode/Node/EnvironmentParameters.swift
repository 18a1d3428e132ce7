package import Ledger
package import Wire

/// The parameters that the environment names: `MINT_PER_UNIT`, an integer, and `COORDINATOR_RATIO`, a decimal such as `0.05`.
///
/// `adit node init` writes them into the genesis; a running node only checks that they agree with it (PROTOCOL section 5).
package enum EnvironmentParameters {
    /// - Throws: `bad_params` for a text that isn't a number, `out_of_range` for one that its parameter can't have.
    package static func read(_ environment: [String: String]) throws(Problem) -> [Parameter: Int64] {
        var values: [Parameter: Int64] = [:]
        if let text = environment["MINT_PER_UNIT"], !text.isEmpty {
            guard let value = Int64(text) else { throw Problem(.badParams, "MINT_PER_UNIT is not an integer") }
            values[.mintPerUnit] = value
        }
        if let text = environment["COORDINATOR_RATIO"], !text.isEmpty { values[.coordinatorBps] = try basisPoints(text) }
        for (parameter, value) in values where !parameter.range.contains(value) {
            throw Problem(.outOfRange, "\(parameter.rawValue) can't be \(value)")
        }
        return values
    }

    /// Refuses an environment that names other values than the genesis.
    ///
    /// - Throws: `bad_params` that names the variable's parameter and both values.
    package static func check(_ environment: [String: String], against genesis: Genesis) throws(Problem) {
        for (parameter, value) in try read(environment) where genesis.parameters[parameter] != value {
            throw Problem(
                .badParams, "the environment says \(parameter.rawValue) is \(value), the chain's genesis says \(genesis.parameters[parameter])")
        }
    }

    /// A decimal ratio of 0 … 1 with at most four places, in basis points: `0.05` is 500. Read by its digits, without rounding.
    private static func basisPoints(_ text: String) throws(Problem) -> Int64 {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let places = parts.count == 2 ? parts[1] : ""
        let digits = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
        guard parts.count <= 2, digits, places.count <= 4, let whole = Int64(parts[0]), whole <= 1,
            let fraction = Int64(places + String(repeating: "0", count: 4 - places.count))
        else {
            throw Problem(.badParams, "COORDINATOR_RATIO is not a decimal in 0…1 with at most four places")
        }
        return whole * 10_000 + fraction
    }
}
