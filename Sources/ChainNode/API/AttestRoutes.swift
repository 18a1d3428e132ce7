import HTTPServing
import Hummingbird
import Ledger
import Wire

/// `POST /rpc/attest`: whether a claim would settle now. For devnets alone: elsewhere it would be work for anyone's asking.
struct AttestRoutes: Sendable {
    let node: ChainNode
    let isOpen: Bool

    func add(to routes: Routes) {
        routes.post("/rpc/attest") { request, _ in try await attest(request) }
    }

    /// The body is the payload of a RECEIPT_CLAIM. Nothing is admitted and nothing changes.
    private func attest(_ request: Request) async throws -> Response {
        guard isOpen else { throw Problem(.forbidden, "this route is a devnet's") }
        let claim = try ReceiptClaim(try await request.readJSON(limit: Transaction.maxBytes))
        let (head, state) = await node.snapshot()
        var members: [(String, JSON)] = [("height", .integer(head.header.height))]
        do throws(Problem) {
            let fee = try state.parameters.minimumFee(for: .receiptClaim(claim))
            try node.executor.assess(claim, fee: fee, on: state, after: head.head)
            members.append(("valid", true))
        } catch {
            members += [("valid", false), ("code", .string(error.code.rawValue)), ("detail", .string(error.detail))]
        }
        return .json(.object(JSONObject(distinct: members)))
    }
}
