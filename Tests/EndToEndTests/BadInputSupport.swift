import ChainClient
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

/// Expects a problem document with this code, complete by RFC 9457, and the code's status.
func expectProblem(_ answer: HTTPResponse, _ code: Problem.Code, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
    let document = try JSON.parse(answer.body)
    #expect(document["code"]?.stringValue == code.rawValue, "\(what): \(document)", sourceLocation: sourceLocation)
    #expect(answer.status == code.status, "\(what)", sourceLocation: sourceLocation)
    #expect(answer.head["content-type"] == "application/problem+json", "\(what)", sourceLocation: sourceLocation)
    #expect(document["status"]?.integerValue == Int64(code.status), "\(what)", sourceLocation: sourceLocation)
    for member in ["type", "title", "detail"] {
        #expect(document[member]?.stringValue?.isEmpty == false, "\(what): \(member)", sourceLocation: sourceLocation)
    }
}

/// A body that declares a length and is zeros: for lengths that nobody would send.
struct DeclaredLength: UploadSource {
    let byteCount: Int

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        let count = max(0, min(target.count, byteCount - offset))
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
        return count
    }
}

/// Sends bytes with a signature over them, made now.
func sendSigned(_ http: HTTPClient, _ base: BaseURL, _ key: PrivateKey, _ method: HTTPMethod, _ path: String, _ body: [UInt8], now: Int64) async throws
    -> HTTPResponse
{
    try await http.send(signedRequest(base, key, method, path, body, now: now))
}

func signedRequest(_ base: BaseURL, _ key: PrivateKey, _ method: HTTPMethod, _ path: String, _ body: [UInt8], now: Int64) -> HTTPRequest {
    let request = SignedRequest(method: method.rawValue, authority: base.authority, path: path, query: "")
    let headers = HTTPSignature.headers(for: request, body: .bytes(body), key: key, now: now, nonce: SecureRandom.hex(bytes: 16))
    return HTTPRequest(method, base, path: path, headers: headers, body: BytesSource(body))
}

/// All that a refusal must leave as it was: the chain's state, what waits for a block, and the coordinator's jobs.
struct WorldMark: Equatable, Sendable {
    let stateRoot: Digest
    let client: BalanceRecord
    let waiting: String
    let jobs: [String: Int64]
}

extension MinerWorld {
    /// What is true now.
    func mark() async throws -> WorldMark {
        let head = try await node.getHead()
        let block = try #require(try await node.getBlock(height: head.height))
        let mempool = try await node.metrics().split(separator: "\n").first { $0.hasPrefix("adit_mempool_transactions ") }
        return WorldMark(
            stateRoot: block.stateRoot, client: try await node.getBalance(client.address), waiting: String(try #require(mempool)),
            jobs: try await coordinator.networkState().jobs.filter { $0.value != 0 })
    }

    /// Expects that all is as it was, in a block made after everything that was sent so far, and that both services are well.
    ///
    /// The first new block may have been on its way already: the second one can't have been.
    func expectUnchanged(since mark: WorldMark, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let height = try await node.getHead().height
        try await until("two blocks") { try await node.getHead().height > height + 1 }
        #expect(try await self.mark() == mark, sourceLocation: sourceLocation)
        try await node.health()
        #expect(try await http.send(HTTPRequest(.get, coordinatorURL, path: "/health")).status == 200, sourceLocation: sourceLocation)
    }

    /// Polls a condition for up to a minute: on a busy machine that is not long.
    func until(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("not reached: \(what)")
        throw CancellationError()
    }

    func post(_ path: String, _ body: [UInt8]) async throws -> HTTPResponse {
        try await http.send(HTTPRequest(.post, nodeURL, path: path, body: BytesSource(body)))
    }

    /// A transaction that the node must refuse.
    func refuse(
        _ transaction: Transaction, _ code: Problem.Code, _ what: String = "", to path: String = "/rpc/sendTx",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try expectProblem(try await post(path, transaction.json.canonicalBytes), code, what, sourceLocation: sourceLocation)
    }

    /// Sends a transaction and waits until it is in a block, without an error.
    func settle(_ transaction: Transaction, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let hash = try await node.sendTx(transaction)
        try await until("a block with it") { try await node.getTx(hash).map { $0.status != .pending } ?? false }
        #expect(try await node.getTx(hash)?.status == .confirmed, sourceLocation: sourceLocation)
    }

    func transfer(_ transfer: Transfer, by key: PrivateKey? = nil, nonce: Int64 = 1, fee: Int64 = 10, chain: ChainID? = nil) -> Transaction {
        .signed(by: key ?? client, chain: chain ?? self.chain, nonce: nonce, fee: fee, payload: .transfer(transfer))
    }

    /// Registers a worker that the test plays itself.
    func worker() async throws -> TestWorker {
        let key = try PrivateKey.generate()
        let worker = TestWorker(key: key, payout: key.address, client: CoordinatorClient(coordinatorURL, key: key, http: http))
        try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
        return worker
    }

    /// Uploads a small product's inputs and gets its quote, unpaid.
    func quote(_ work: SampleWork) async throws -> Quote {
        for tensor in work.inputs { try await coordinator.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
        return try await coordinator.postTask(TaskRequest(spec: work.spec, client: client.address)).quote
    }
}
