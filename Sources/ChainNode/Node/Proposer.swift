import HTTPServing
import Ledger
import Logging
import ServiceLifecycle
import Signing
import Wire

/// The loop that makes a block in every slot of its key's, until the service stops.
struct Proposer: Sendable {
    let node: ChainNode
    let key: PrivateKey
    let clock: any ChainClock
    let logger: Logger

    /// Runs until graceful shutdown or cancellation; a block that is being made is finished first.
    ///
    /// A block that can't be made or stored is logged and tried again a second later: no failure ends the loop.
    func run() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let turn = await node.nextTurn(of: key.publicKey)
            if turn == nil { logger.warning("no_turn", metadata: ["proposer": "\(key.address)"]) }
            guard await sleep(until: turn ?? clock.now() + 1) else { return }
            guard turn != nil else { continue }
            let start = ContinuousClock.now
            do {
                let block = try await node.produce(with: key)
                logger.event(
                    "block", height: block.header.height, latency: ContinuousClock.now - start,
                    ["hash": "\(block.hash)", "txs": .stringConvertible(block.transactions.count)])
            } catch {
                logger.error("block_failed", metadata: ["code": "\(error.code.rawValue)", "detail": "\(error.detail)"])
                guard await sleep(until: clock.now() + 1) else { return }
            }
        }
    }

    /// False when the service stops before `time`.
    private func sleep(until time: Int64) async -> Bool {
        let clock = self.clock
        do {
            try await cancelWhenGracefulShutdown { try await clock.sleep(until: time) }
            return true
        } catch {
            return false
        }
    }
}
