import Ledger
import Logging
import Signing
import Wire

/// Looks at the chain in rounds: its head, the escrows of unpaid jobs, the claims of finished ones, what the desk has sent.
struct ChainWatcher: Sendable {
    let chain: any ChainPort
    let board: JobBoard
    let desk: OutgoingDesk
    let coordinator: PublicKey
    /// Rounds after which the open escrows are compared with the store.
    let scanEvery: Int
    let clock: any ServiceClock
    let interval: Int64
    let logger: Logger
    /// Jobs in one round, so that one round stays short: a stream of some thousand payments a second is kept up with.
    private static let questions = 2_048
    /// Jobs in one question, and in one transaction of the store: as many as a node answers at once.
    private static let page = NodeChain.namesAtOnce
    /// Rounds after which the parameters are read again.
    private static let termsEvery = 60
    /// The same while an escrow waits for its refund, and after a scan that failed.
    private static let soon = 10

    func run() async {
        var round = 0
        var terms: ChainTerms?
        var failing = false
        // Due at once: payments and refunds may have been missed before this start.
        var nextScan = 0
        while !Task.isCancelled {
            do {
                if round % Self.termsEvery == 0 || terms == nil {
                    let new = try await chain.terms()
                    if !new.isListed, terms?.isListed != false {
                        logger.warning("coordinator_not_listed", metadata: ["public_key": "\(coordinator)"])
                    }
                    terms = new
                }
                if let terms {
                    let height = try await look(terms)
                    if round >= nextScan {
                        let isDone = await scan(height)
                        let hasStrays = await board.hasStrays
                        nextScan = round + (isDone && !hasStrays ? scanEvery : Self.soon)
                    }
                    try await desk.round(height: height, terms: terms)
                }
                round &+= 1
                failing = false
            } catch {
                // What happened meanwhile is looked for in the escrows.
                nextScan = 0
                if !failing { logger.warning("chain_unreachable", metadata: ["error": "\(error)"]) }
                failing = true
            }
            do { try await clock.sleep(milliseconds: interval) } catch { return }
        }
    }

    /// Compares all open escrows of this coordinator with the store. Returns false, and says why, where it could not be done.
    private func scan(_ height: Int64) async -> Bool {
        do {
            try await compare(height)
            return true
        } catch {
            logger.warning("escrow_scan_failed", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func compare(_ height: Int64) async throws(Problem) {
        var after: JobID?
        repeat {
            let page = try await chain.openEscrows(of: coordinator, after: after)
            for escrow in page.escrows { try await board.adopt(escrow, height: height) }
            after = page.next
        } while after != nil && !Task.isCancelled
    }

    /// Returns the head's height.
    private func look(_ terms: ChainTerms) async throws(Problem) -> Int64 {
        // The head is asked for first: an escrow that is not there afterwards was not there at that height.
        let height = try await chain.height()
        await board.see(height: height, terms: terms)
        let (unpaid, unclaimed) = await board.watched(limit: Self.questions)
        for start in stride(from: 0, to: unpaid.count, by: Self.page) {
            let quotes = Array(unpaid[start..<min(start + Self.page, unpaid.count)])
            let escrows = try await chain.escrows(quotes.map(\.jobID))
            try await board.see(Array(zip(quotes, escrows)), height: height)
        }
        for start in stride(from: 0, to: unclaimed.count, by: Self.page) {
            let claims = unclaimed[start..<min(start + Self.page, unclaimed.count)]
            let heights = try await chain.claimHeights(claims.map(\.receipt))
            let seen = zip(claims, heights).compactMap { claim, height in height.map { (job: claim.job, height: $0) } }
            if !seen.isEmpty { try await board.seeClaims(seen) }
        }
        return height
    }
}
