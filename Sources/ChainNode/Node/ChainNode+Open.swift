package import HTTPServing
package import Ledger
import Signing
package import Wire

/// A chain as it was found on disk, checked.
struct OpenedChain: Sendable {
    let nodeID: String
    let genesisHash: Digest
    let head: Block
    let state: LedgerState
    let mark: SigningMark?
    let waiting: [WaitingTransaction]
    let peers: [Peer]
}

extension ChainNode {
    /// Opens a store, or makes a fresh one from `genesis`, and rebuilds the state from its records.
    ///
    /// - Parameters:
    ///   - genesis: must be the store's own; may be left out where the store has one.
    ///   - environment: `MINT_PER_UNIT` and `COORDINATOR_RATIO` in it must agree with the genesis.
    /// - Throws: `wrong_chain` for a store of another genesis, `wrong_state_root` or `supply_broken` when the records
    ///   aren't those of the head, `bad_params` for an environment that disagrees, `io_failed` for a store that can't be read.
    package static func open(
        store: any ChainStore, genesis: Genesis?, environment: [String: String] = [:], clock: any ChainClock, registry: PrometheusRegistry,
        mempool: MempoolLimits = MempoolLimits(), softCheck: SoftCheck? = nil
    ) async throws(Problem) -> ChainNode {
        let identity = try await identity(of: store, genesis: genesis)
        let found = try Genesis(JSON.parse(Array(identity.genesis.utf8)))
        if let genesis, genesis.json != found.json {
            throw Problem(.wrongChain, "the store belongs to another genesis than the one configured")
        }
        try EnvironmentParameters.check(environment, against: found)
        let first = try found.block()
        guard let stored = try await store.block(height: 0), stored == first, let head = try await store.head() else {
            throw Problem(.wrongChain, "the store's first block is not its genesis'")
        }
        let state = try LedgerState(records: try await store.records())
        guard state.root == head.header.stateRoot else {
            throw Problem(.wrongStateRoot, "the store's records are not the state after block \(head.header.height): it was damaged or changed")
        }
        try state.auditSupply()
        let opened = OpenedChain(
            nodeID: identity.nodeID, genesisHash: first.hash, head: head, state: state, mark: try await store.signingMark(),
            waiting: try await store.waiting(), peers: try await store.peers())
        return ChainNode(
            genesis: found, opened: opened, store: store, clock: clock, mempool: mempool, metrics: NodeMetrics(registry: registry), softCheck: softCheck)
    }

    private static func identity(of store: any ChainStore, genesis: Genesis?) async throws(Problem) -> StoreIdentity {
        if let identity = try await store.identity() { return identity }
        guard let genesis else { throw Problem(.badParams, "the store is fresh, and no genesis is configured") }
        let identity = StoreIdentity(genesis: genesis.json.canonicalString, nodeID: SecureRandom.hex(bytes: 16))
        try await store.create(identity, genesis: try genesis.block(), records: Array(try genesis.state().records))
        return identity
    }
}
