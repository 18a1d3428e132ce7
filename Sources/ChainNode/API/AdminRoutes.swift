import HTTPServing
import Hummingbird
import Ledger
import Signing
import Wire

/// The admin's routes: off (403) unless a token and the admin's key are configured.
///
/// They act by signed transactions of the admin's own account, so that every node agrees; nothing is made from nothing.
struct AdminRoutes: Sendable {
    let node: ChainNode
    let access: (token: BearerToken, key: PrivateKey)?

    func add(to routes: Routes) {
        routes.post("/admin/mintFaucet") { request, _ in try await faucet(request) }
    }

    /// Moves `amount` base units from the admin's account to `address`.
    private func faucet(_ request: Request) async throws -> Response {
        guard let access else { throw Problem(.forbidden, "the admin's routes are off: no token is configured") }
        try access.token.check(request)
        var fields = try JSONFields(try await request.readJSON(limit: 4096), "request")
        let address = try Address(fields.string("address", maxBytes: 128))
        let amount = try fields.integer("amount", in: 1...JSON.maxInteger)
        try fields.finish()
        let hash = try await node.submit(.transfer(Transfer(to: address, amount: amount, memo: "faucet")), by: access.key)
        return .json(["txHash": .string(hash.hex)])
    }
}
