import HTTPServing
import Hummingbird
import Ledger
import Signing
import Wire

/// What a light client and a coordinator that starts anew ask for: proofs, and escrows that still hold money.
struct ProofRoutes: Sendable {
    /// The most escrows in one answer.
    static let page = 256

    let node: ChainNode

    func add(to routes: Routes) {
        routes.get("/rpc/proof/{kind}/{id}") { _, context in try await proof(context.parameter("kind"), context.parameter("id")) }
        routes.get("/rpc/escrows") { request, _ in try await escrows(request) }
    }

    /// Presence or absence of a record after the head, with the head's header.
    private func proof(_ kind: String, _ id: String) async throws -> Response {
        guard let kind = RecordKind(rawValue: kind) else {
            throw Problem(.badRequest, "records are of the kinds \(RecordKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let (head, state) = await node.snapshot()
        return .json(["header": head.headerJSON, "proof": state.tree.proof(of: RecordKey(kind, id)).json])
    }

    /// `?coordinator=KEY&status=open|closing&after=JOB&limit=N`: a page in the order of job ids.
    private func escrows(_ request: Request) async throws -> Response {
        guard let text = request.query("coordinator") else { throw Problem(.missingField, "say whose: ?coordinator=KEY") }
        let coordinator = try PublicKey(hex: text, field: "coordinator")
        let status = try request.query("status").map { (text) throws(Problem) in
            guard let status = Escrow.Status(rawValue: text), status == .open || status == .closing else {
                throw Problem(.outOfRange, "\"status\" is open or closing")
            }
            return status
        }
        let after = try request.query("after").map { (text) throws(Problem) in try JobID(text) }
        let limit = try request.query("limit").map { (text) throws(Problem) in
            guard let limit = Int(text), (1...Self.page).contains(limit) else { throw Problem(.outOfRange, "\"limit\" is 1...\(Self.page)") }
            return limit
        }
        let size = limit ?? Self.page
        let escrows = try await node.store.escrows(of: coordinator, status: status, after: after, limit: size)
        var members: [(String, JSON)] = [("escrows", .array(escrows.map(\.json)))]
        if escrows.count == size, let last = escrows.last { members.append(("next", .string(last.jobID.text))) }
        return .json(.object(JSONObject(distinct: members)))
    }
}
