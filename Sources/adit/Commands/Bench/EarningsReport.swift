import ChainClient
import Jobs
import Kernels
import Profiler
import Signing
import Wire

/// What the table is worth by a coordinator's own figures, or why that can't be said.
struct EarningsReport {
    private let url: String
    private let state: NetworkState
    private let earnings: Earnings?
    private let rate: Int64

    /// - Throws: `transport_failed` and the like where the coordinator doesn't answer.
    init(_ document: BenchDocument, coordinator: BaseURL) async throws(Problem) {
        let http = try HTTPClient()
        defer { http.close() }
        // The question is public: any key will do.
        state = try await CoordinatorClient(coordinator, key: try PrivateKey.generate(), http: http).networkState()
        url = coordinator.description
        rate = document.rates.fastestProduct(.f32, arithmetic: .f32Panel256)?.perSecond ?? 0
        earnings = Earnings(state, f32: rate)
    }

    func show() {
        Terminal.say("")
        guard let earnings else {
            let why = rate == 0 ? "no F32 product was measured" : "this coordinator does not tell the last day's demand"
            return Terminal.say("earnings   can't be said: \(why)")
        }
        Terminal.say("earnings   \(Figures.ait(earnings.low)) to \(Figures.ait(earnings.high)) a day, by \(url)")
        Terminal.say("  low      this machine's share, by speed, of what clients paid for in the last day:")
        Terminal.say("           \(Figures.grouped(earnings.demandedUnits)) units, beside workers of \(RateText.floats(state.f32FlopsPerSecond))")
        Terminal.say("  high     all of it that fits into a day here: \(Figures.grouped(earnings.ownUnits)) units at \(RateText.floats(rate))")
        let burned = RateReport.two(Double(state.burnBps) / 100)
        Terminal.say("  a unit   \(RateReport.two(earnings.perUnit)) base units: what was paid, less \(burned) % burned, and the mint")
        if earnings.demandedUnits == 0 { Terminal.say("  Nobody asked for anything in the last day.") }
    }

    var json: JSON {
        guard let earnings else { return ["known": false] }
        return [
            "known": true, "lowPerDay": .integer(earnings.low), "highPerDay": .integer(earnings.high), "demandedUnits": .integer(earnings.demandedUnits),
            "ownUnits": .integer(earnings.ownUnits), "coordinator": .string(url),
        ]
    }
}
