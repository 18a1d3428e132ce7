import ChainClient
import ChainNode
import HTTPServing
import Ledger
import Logging
import ServiceLifecycle
import Signing
import Testing
import Wire

/// A whole node on loopback, with a clock that the test moves.
struct RunningNode {
    let chain: TestChain
    let clock: ManualClock
    let ports: NodePorts
    let http: HTTPClient

    /// Runs a node for the body's time, then stops it gracefully and gives how long the stop took.
    @discardableResult
    static func run(
        _ chain: TestChain, at path: String, now: Int64 = TestChain.start, change: (inout NodeConfiguration) throws -> Void = { _ in },
        _ body: (RunningNode) async throws -> Void
    ) async throws -> Duration {
        let clock = ManualClock(now)
        var configuration = NodeConfiguration(
            rpc: .anyLoopbackPort, p2p: .anyLoopbackPort, databasePath: path, genesis: chain.genesis, proposer: chain.authority)
        configuration.clock = clock
        configuration.admin = chain.admin
        configuration.adminToken = try BearerToken(TestChain.token)
        try change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ready, signal) = AsyncStream.makeStream(of: NodePorts.self)
        let service = NodeService(configuration: configuration, logger: logger) { signal.yield($0) }
        let group = ServiceGroup(services: [service], logger: logger)
        let running = Task {
            defer { signal.finish() }
            try await group.run()
        }
        var ports: NodePorts?
        for await known in ready {
            ports = known
            break
        }
        guard let ports else {
            try await running.value
            throw Problem(.unavailable, "the node ended before it was ready")
        }
        let http = try HTTPClient()
        do {
            try await body(RunningNode(chain: chain, clock: clock, ports: ports, http: http))
        } catch {
            await group.triggerGracefulShutdown()
            try? await running.value
            throw error
        }
        let start = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        return ContinuousClock.now - start
    }

    /// The next block.
    func block() async { await clock.advance(by: TestChain.interval) }

    func send(
        _ method: HTTPMethod, _ path: String, query: String = "", body: [UInt8]? = nil, headers: [(name: String, value: String)] = [], p2p: Bool = false
    ) async throws -> HTTPResponse {
        let base = try BaseURL("http://127.0.0.1:\(p2p ? ports.p2p : ports.rpc)")
        return try await http.send(HTTPRequest(method, base, path: path, query: query, headers: headers, body: body.map { BytesSource($0) }))
    }

    /// A GET that must succeed with JSON.
    func get(_ path: String, query: String = "", p2p: Bool = false) async throws -> JSON {
        let answer = try await send(.get, path, query: query, p2p: p2p)
        #expect(answer.status == 200, "\(path): \(answer.problem)")
        #expect(answer.head["content-type"] == "application/json")
        return try JSON.parse(answer.body)
    }

    /// Sends a transaction that must be taken; gives its hash as the node tells it.
    @discardableResult
    func submit(_ transaction: Transaction, to path: String = "/rpc/sendTx") async throws -> String {
        let answer = try await send(.post, path, body: transaction.json.canonicalBytes)
        #expect(answer.status == 200, "\(answer.problem)")
        let hash = try #require(try JSON.parse(answer.body)["txHash"]?.stringValue)
        #expect(hash == transaction.hash(on: chain.chain).hex)
        return hash
    }

    func balance(_ address: Address) async throws -> Int64 {
        try #require(try await get("/rpc/getBalance/\(address)")["balance"]?.integerValue)
    }

    func height() async throws -> Int64 {
        try #require(try await get("/rpc/getHead")["height"]?.integerValue)
    }

    /// Expects a problem document with this code, complete by RFC 9457, and the code's status.
    func expectRefusal(_ answer: HTTPResponse, _ code: Problem.Code, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let document = try JSON.parse(answer.body)
        #expect(document["code"]?.stringValue == code.rawValue, "\(document)", sourceLocation: sourceLocation)
        #expect(answer.status == code.status, sourceLocation: sourceLocation)
        #expect(answer.head["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
        #expect(document["status"]?.integerValue == Int64(code.status), sourceLocation: sourceLocation)
        for member in ["type", "title", "detail", "request_id"] {
            #expect(document[member]?.stringValue?.isEmpty == false, "\(member)", sourceLocation: sourceLocation)
        }
        #expect(document["request_id"]?.stringValue == answer.head["x-request-id"], sourceLocation: sourceLocation)
    }
}
