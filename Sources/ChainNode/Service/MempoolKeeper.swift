import Ledger
import Logging
import ServiceLifecycle
import Wire

/// Looks after what waits for a block over a restart: takes back what waited at the last stop, and writes down what waits at
/// this one.
struct MempoolKeeper: Sendable {
    let node: ChainNode
    let logger: Logger

    /// A few at a time, so that the node answers meanwhile: every signature is checked again.
    func restore() async {
        var (seen, taken) = (0, 0)
        while !Task.isShuttingDownGracefully, !Task.isCancelled, let some = await node.restoreSome() {
            (seen, taken) = (seen + some.seen, taken + some.taken)
        }
        if seen > 0 { logger.info("mempool_restored", metadata: ["waited": .stringConvertible(seen), "taken": .stringConvertible(taken)]) }
    }

    /// What can't be written is lost, as it would be in a crash: nobody was promised that it gets into a block.
    func save() async {
        do {
            let count = try await node.saveMempool()
            logger.info("mempool_saved", metadata: ["waiting": .stringConvertible(count)])
        } catch {
            logger.error("mempool_not_saved", metadata: ["code": "\(error.code.rawValue)", "detail": "\(error.detail)"])
        }
    }
}
