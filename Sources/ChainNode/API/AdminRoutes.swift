import ChainClient
import HTTPServing
import Hummingbird
import Ledger
import Logging
import Signing
import Wire

/// The admin's routes: off (403) unless a token and the admin's key are configured.
///
/// They act by signed transactions of the admin's own account, so that every node agrees; nothing is made from nothing.
struct AdminRoutes: Sendable {
    let node: ChainNode
    let access: Access?

    /// What opens the routes.
    struct Access: Sendable {
        let token: BearerToken
        let key: PrivateKey
        let peers: PeerCheck
    }

    func add(to routes: Routes) {
        routes.post("/admin/mintFaucet") { request, _ in try await faucet(request) }
        routes.post("/admin/paramSet") { request, _ in try await setParameter(request) }
        routes.post("/admin/peers/add") { request, context in try await addPeer(request, context) }
    }

    private func checked(_ request: Request) throws(Problem) -> Access {
        guard let access else { throw Problem(.forbidden, "the admin's routes are off: no token is configured") }
        try access.token.check(request)
        return access
    }

    /// Changes a parameter by the admin's PARAM_UPDATE; the body is its payload.
    private func setParameter(_ request: Request) async throws -> Response {
        let access = try checked(request)
        // A list has up to 1,024 keys; a transaction's own bound is what counts.
        let update = try ParameterUpdate(try await request.readJSON(limit: ChainRoutes.bodyLimit))
        let hash = try await node.submit(.parameterUpdate(update), by: access.key)
        return .json(["txHash": .string(hash.hex)])
    }

    /// Keeps a peer, once it has shown that it is a node of this chain.
    private func addPeer(_ request: Request, _ context: ServingContext) async throws -> Response {
        let access = try checked(request)
        var fields = try JSONFields(try await request.readJSON(limit: 4096), "request")
        let url = try BaseURL(fields.string("url", maxBytes: 512))
        try fields.finish()
        let peer = try await access.peers.peer(at: url, of: node)
        try await node.add(peer)
        context.logger.notice("peer_added", metadata: ["peer": "\(peer.url)", "peer_id": "\(peer.id)"])
        return .json(["url": .string(peer.url), "id": .string(peer.id)])
    }

    /// Moves `amount` base units from the admin's account to `address`.
    private func faucet(_ request: Request) async throws -> Response {
        let access = try checked(request)
        var fields = try JSONFields(try await request.readJSON(limit: 4096), "request")
        let address = try Address(fields.string("address", maxBytes: 128))
        let amount = try fields.integer("amount", in: 1...JSON.maxInteger)
        try fields.finish()
        let hash = try await node.submit(.transfer(Transfer(to: address, amount: amount, memo: "faucet")), by: access.key)
        return .json(["txHash": .string(hash.hex)])
    }
}
