package import ChainClient
package import Ledger
import Signing
package import Wire

/// The chain behind a node's HTTP API.
package struct NodeChain: ChainPort {
    private let base: BaseURL
    private let http: HTTPClient
    private var node: NodeClient { NodeClient(base, http: http) }

    package init(_ base: BaseURL, http: HTTPClient) {
        self.base = base
        self.http = http
    }

    package func height() async throws(Problem) -> Int64 { try await node.getHead().height }

    package func terms() async throws(Problem) -> ChainTerms {
        let params = try await node.params()
        do throws(Problem) {
            var fields = try JSONFields(params, "params")
            return ChainTerms(
                blockIntervalSeconds: try fields.integer(Parameter.blockInterval.rawValue, in: Parameter.blockInterval.range),
                escrowTimeoutBlocks: try fields.integer(Parameter.escrowTimeout.rawValue, in: Parameter.escrowTimeout.range),
                minPricePerUnit: try fields.integer(Parameter.minPricePerUnit.rawValue, in: Parameter.minPricePerUnit.range),
                maxUnitsPerClaim: try fields.integer(Parameter.maxUnitsPerClaim.rawValue, in: Parameter.maxUnitsPerClaim.range),
                baseFee: try fields.integer(Parameter.baseFee.rawValue, in: Parameter.baseFee.range),
                feePerByte: try fields.integer(Parameter.feePerByte.rawValue, in: Parameter.feePerByte.range))
        } catch {
            throw Problem(.badAnswer, "params: \(error)")
        }
    }

    package func escrow(_ job: JobID) async throws(Problem) -> EscrowView? {
        let answer = try await http.send(HTTPRequest(.get, base, path: "/rpc/getEscrow/\(job.text)"))
        if answer.status == 404 { return nil }
        let record = try answer.checked().json()
        do throws(Problem) {
            var fields = try JSONFields(record, "escrow")
            return EscrowView(
                client: try fields.address("client_addr"), coordinator: try fields.publicKey("coordinator_pubkey"),
                payment: try fields.digest("payment_tx"), computeUnits: try fields.integer("compute_units"), price: try fields.integer("price"),
                parts: try fields.integer("parts"), opened: try fields.integer("opened"),
                isOpen: try fields.string("status", maxBytes: 32) == Escrow.Status.open.rawValue)
        } catch {
            throw Problem(.badAnswer, "escrow: \(error)")
        }
    }

    package func claimHeight(_ receipt: ReceiptID) async throws(Problem) -> Int64? { try await node.getReceipt(receipt)?.height }
}
