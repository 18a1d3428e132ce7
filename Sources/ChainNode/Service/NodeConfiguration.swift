package import ChainClient
package import HTTPServing
package import Ledger
package import Signing

/// All that a node is told from outside.
package struct NodeConfiguration: Sendable {
    package var rpc: Bind
    package var p2p: Bind
    /// The SQLite file; its folder is made where it is missing.
    package var databasePath: String
    /// Needed for a fresh store; otherwise it must be the store's own.
    package var genesis: Genesis?
    /// Makes blocks in its turns; a node without it only answers.
    package var proposer: PrivateKey?
    /// Opens the admin's routes, together with `adminToken`.
    package var admin: PrivateKey?
    package var adminToken: BearerToken?
    /// The process' environment: `MINT_PER_UNIT` and `COORDINATOR_RATIO` must agree with the genesis.
    package var environment: [String: String] = [:]
    package var mempool = MempoolLimits()
    /// Of each of the two listeners.
    package var serving = HTTPServer.Limits()
    /// Opens `/rpc/attest`.
    package var isDevnet = false
    /// Coordinators that are asked before their claims are taken, each at the URL that the operator trusts.
    package var softChecks: [PublicKey: BaseURL] = [:]
    /// How long a claim waits for such a coordinator's word.
    package var softCheckPatience: Duration = .seconds(2)
    package var clock: any ChainClock = SystemClock()
    package var registry = PrometheusRegistry()

    package init(rpc: Bind, p2p: Bind, databasePath: String, genesis: Genesis? = nil, proposer: PrivateKey? = nil) {
        self.rpc = rpc
        self.p2p = p2p
        self.databasePath = databasePath
        self.genesis = genesis
        self.proposer = proposer
    }
}

/// Where a node listens, once it does.
package struct NodePorts: Sendable, Equatable {
    package let rpc: Int
    package let p2p: Int
}
