package import ChainClient
package import Ledger
package import Signing
package import Wire

/// The chain behind a node's HTTP API.
package struct NodeChain: ChainPort {
    private let base: BaseURL
    private let http: HTTPClient
    /// The most names in one question.
    static let namesAtOnce = NodeClient.namesAtOnce
    private let chain: ChainID
    private let key: PublicKey
    private var node: NodeClient { NodeClient(base, http: http) }

    /// - Parameters:
    ///   - chain: the chain that the node has to be of.
    ///   - key: the coordinator's own.
    package init(_ base: BaseURL, http: HTTPClient, chain: ChainID, key: PublicKey) {
        self.chain = chain
        self.key = key
        self.base = base
        self.http = http
    }

    package func height() async throws(Problem) -> Int64 { try await node.getHead().height }

    /// Throws `wrong_chain` for a node of another chain.
    package func terms() async throws(Problem) -> ChainTerms {
        let params = try await node.params()
        guard params["chain_id"]?.stringValue == chain.text else {
            throw Problem(
                .wrongChain,
                "\(base) is a node of chain \(params["chain_id"]?.stringValue ?? "?"), this coordinator works for \(chain); set CHAIN_ID, or NODE_URL")
        }
        do throws(Problem) {
            var fields = try JSONFields(params, "params")
            return ChainTerms(
                blockIntervalSeconds: try fields.integer(Parameter.blockInterval.rawValue, in: Parameter.blockInterval.range),
                escrowTimeoutBlocks: try fields.integer(Parameter.escrowTimeout.rawValue, in: Parameter.escrowTimeout.range),
                minPricePerUnit: try fields.integer(Parameter.minPricePerUnit.rawValue, in: Parameter.minPricePerUnit.range),
                maxUnitsPerClaim: try fields.integer(Parameter.maxUnitsPerClaim.rawValue, in: Parameter.maxUnitsPerClaim.range),
                baseFee: try fields.integer(Parameter.baseFee.rawValue, in: Parameter.baseFee.range),
                feePerByte: try fields.integer(Parameter.feePerByte.rawValue, in: Parameter.feePerByte.range),
                burnBps: try fields.integer(Parameter.burnBps.rawValue, in: Parameter.burnBps.range),
                mintPerUnit: try fields.integer(Parameter.mintPerUnit.rawValue, in: Parameter.mintPerUnit.range),
                isListed: try fields.array("coordinators", maxCount: 1024).contains(.string(key.hex)))
        } catch {
            throw Problem(.badAnswer, "params: \(error)")
        }
    }

    package func escrow(_ job: JobID) async throws(Problem) -> EscrowView? { try await node.getEscrow(job).map(EscrowView.init) }

    package func escrows(_ jobs: [JobID]) async throws(Problem) -> [EscrowView?] { try await node.getEscrows(jobs).map { $0.map(EscrowView.init) } }

    package func claimHeights(_ receipts: [ReceiptID]) async throws(Problem) -> [Int64?] { try await node.getReceiptHeights(receipts) }

    package func openEscrows(of coordinator: PublicKey, after: JobID?) async throws(Problem) -> EscrowPage {
        let page = try await node.escrows(status: .open, coordinator: coordinator, after: after)
        return EscrowPage(escrows: page.escrows.map(EscrowView.init), next: page.next)
    }

    package func lastNonce(of address: Address) async throws(Problem) -> Int64 { try await node.getBalance(address).nonce }

    package func send(_ transaction: Transaction) async throws(Problem) { try await node.sendTx(transaction) }

    package func transaction(_ hash: Digest) async throws(Problem) -> ChainTransaction? {
        guard let state = try await node.getTx(hash) else { return nil }
        switch (state.status, state.height) {
        case (.confirmed, .some(let height)): return .confirmed(height: height)
        case (.failed, .some(let height)): return .failed(height: height, state.error?.code ?? .badAnswer)
        default: return .pending
        }
    }
}

extension EscrowView {
    fileprivate init(_ record: EscrowRecord) {
        self.init(
            jobID: record.jobID, client: record.client, coordinator: record.coordinator, payment: record.payment, computeUnits: record.computeUnits,
            price: record.price, parts: record.parts, opened: record.opened, status: record.status)
    }
}
