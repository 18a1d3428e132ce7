import ChainClient
import Synchronization
import Wire

/// What a payment brings to the payout address: the price less what is burned, and the mint, by the chain's own parameters (PROTOCOL section 4).
///
/// Before the claim's fee, and before `max_supply` cuts the mint.
final class PayoutRule: Sendable {
    private struct Parameters { var mintPerUnit: Int64 = 0, burnBasisPoints: Int64 = 0 }

    private let node: NodeClient
    /// nil until the node has told them.
    private let parameters = Mutex<Parameters?>(nil)

    init(_ node: NodeClient) { self.node = node }

    /// Asks the node now and every hour (every half minute until it answers), until the task is canceled.
    func run() async {
        while !Task.isCancelled {
            var pause = Duration.seconds(30)
            if let answer = try? await node.params(), let mint = answer["mint_per_unit"]?.integerValue, let burn = answer["burn_bps"]?.integerValue {
                note(mintPerUnit: mint, burnBasisPoints: burn)
                pause = .seconds(3600)
            }
            try? await Task.sleep(for: pause)
        }
    }

    func note(mintPerUnit: Int64, burnBasisPoints: Int64) {
        parameters.withLock { $0 = Parameters(mintPerUnit: max(0, mintPerUnit), burnBasisPoints: min(max(0, burnBasisPoints), 10_000)) }
    }

    /// In base units. While the node has not told its parameters, the price alone.
    func earned(units: Int64, price: Int64) -> Int64 { Self.amount(units, price, parameters.withLock { $0 } ?? Parameters()) }

    /// The same; nil while the node has not told its parameters.
    func known(units: Int64, price: Int64) -> Int64? { parameters.withLock { $0 }.map { Self.amount(units, price, $0) } }

    private static func amount(_ units: Int64, _ price: Int64, _ now: Parameters) -> Int64 {
        // No amount of the chain's is over 2^53−1, so nothing below can overflow but the mint.
        let (price, units) = (min(max(0, price), JSON.maxInteger), min(max(0, units), JSON.maxInteger))
        let burned = price / 10_000 * now.burnBasisPoints + price % 10_000 * now.burnBasisPoints / 10_000
        let (mint, over) = units.multipliedReportingOverflow(by: now.mintPerUnit)
        return min(JSON.maxInteger, price - burned + (over ? 0 : min(mint, JSON.maxInteger)))
    }
}
