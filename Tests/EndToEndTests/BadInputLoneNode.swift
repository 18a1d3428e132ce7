import ChainClient
import ChainNode
import Foundation
import HTTPServing
import Ledger
import Logging
import Signing
import Testing
import Wire

/// A real chain node alone, for rules that need the coordinators' keys in the test's hand.
struct LoneNode {
    let chain: ChainID
    let client: PrivateKey
    let api: NodeClient
    private let base: BaseURL
    private let http: HTTPClient

    /// Starts a node whose genesis lists these coordinators, runs `body` beside it and stops it.
    static func run(coordinators: [PublicKey], _ body: @escaping @Sendable (LoneNode) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-lone-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (client, proposer) = (try PrivateKey.generate(), try PrivateKey.generate())
        let chain = try ChainID("ait-test-\(SecureRandom.hex(bytes: 4))")
        let genesis = try Genesis(
            chain: chain, timestamp: Int64(Date().timeIntervalSince1970) - 1, accounts: [client.address: 1_000_000],
            parameters: Parameters([.blockInterval: 1], authorities: [proposer.publicKey], coordinators: coordinators, admin: proposer.publicKey))
        let configuration = NodeConfiguration(
            rpc: .anyLoopbackPort, p2p: .anyLoopbackPort, databasePath: "\(folder)/chain.db", genesis: genesis, proposer: proposer)
        let port = Told<Int>()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = Running(NodeService(configuration: configuration, logger: logger) { port.tell($0.rpc) }, onEnd: { port.end() })
        let base = try BaseURL("http://127.0.0.1:\(try await port.value())")
        let http = try HTTPClient()
        defer { http.close() }
        do {
            try await body(LoneNode(chain: chain, client: client, api: NodeClient(base, http: http), base: base, http: http))
        } catch {
            await service.stop()
            throw error
        }
        await service.stop()
    }

    /// Waits for a block that was drawn up after this call, and gives its state root.
    ///
    /// The first new block may have been on its way already, without what was sent just before: the second can't have been.
    func nextStateRoot() async throws -> Digest {
        let start = try await api.getHead().height
        while true {
            let head = try await api.getHead().height
            if head > start + 1 { return try #require(try await api.getBlock(height: head)).stateRoot }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Sends a transaction and waits until a block holds it.
    func settle(_ transaction: Transaction) async throws {
        let hash = try await api.sendTx(transaction)
        while try await api.getTx(hash)?.status == .pending { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await api.getTx(hash)?.status == .confirmed)
    }

    /// Sends a claim as its miner's first transaction.
    func submit(_ claim: ReceiptClaim, by miner: PrivateKey) async throws -> HTTPResponse {
        let transaction = Transaction.signed(by: miner, chain: chain, nonce: 1, fee: 10, payload: .receiptClaim(claim))
        return try await http.send(HTTPRequest(.post, base, path: "/rpc/submitReceipt", body: BytesSource(transaction.json.canonicalBytes)))
    }
}
