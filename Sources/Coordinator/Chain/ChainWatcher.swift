import Ledger
import Logging
import Wire

/// Looks at the chain in rounds: its head, the escrows of unpaid jobs, the claims of finished ones.
struct ChainWatcher: Sendable {
    let chain: any ChainPort
    let board: JobBoard
    let clock: any ServiceClock
    let interval: Int64
    let logger: Logger
    /// Questions in one round, so that one round stays short.
    private static let questions = 128
    /// Rounds after which the parameters are read again.
    private static let termsEvery = 60

    func run() async {
        var round = 0
        var terms: ChainTerms?
        var failing = false
        while !Task.isCancelled {
            do {
                if round % Self.termsEvery == 0 || terms == nil { terms = try await chain.terms() }
                if let terms { try await look(terms) }
                round &+= 1
                failing = false
            } catch {
                if !failing { logger.warning("chain_unreachable", metadata: ["error": "\(error)"]) }
                failing = true
            }
            do { try await clock.sleep(milliseconds: interval) } catch { return }
        }
    }

    private func look(_ terms: ChainTerms) async throws(Problem) {
        // The head is asked for first: an escrow that is not there afterwards was not there at that height.
        let height = try await chain.height()
        await board.see(height: height, terms: terms)
        let (unpaid, unclaimed) = await board.watched(limit: Self.questions)
        for quote in unpaid {
            let escrow = try await chain.escrow(quote.jobID)
            try await board.see(escrow, of: quote, height: height)
        }
        for (job, receipt) in unclaimed {
            if let height = try await chain.claimHeight(receipt) { try await board.seeClaim(of: job, height: height) }
        }
    }
}
