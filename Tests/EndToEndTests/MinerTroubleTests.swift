import ChainClient
import Foundation
import HTTPServing
import Ledger
import Logging
import MinerNode
import Synchronization
import Testing
import Wire

@Suite("A miner in trouble") struct MinerTroubleTests {
    @Test("A node that is away is waited for, and a signed claim outlasts every refusal that may pass") func badNode() async throws {
        try await MinerWorld.run { world in
            let node = try await TroubledNode(
                before: world, absences: 8, refusals: [.priceTooLow, .unknownCoordinator, .mintLimited, .badAnswer, .internalError])
            var configuration = try world.configuration()
            configuration.node = node.url
            configuration.pauses = Pauses(first: .milliseconds(20), longest: .milliseconds(100))
            let miner = TestMiner(configuration)
            let quote = try await world.order(m: 24, k: 200)
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
            await node.stop()
            #expect(node.isSpent)
            #expect(!miner.seen.contains(.taskFailed))
            #expect(!miner.seen.contains(.resultRejected))
            #expect(try await world.earned() == quote.price + quote.computeUnits * 1_000 - 10)
        }
    }

    @Test("A claim ends for what its escrow alone decides, and for nothing else") func finalRefusals() {
        #expect(
            Set(Problem.Code.allCases.filter(\.endsClaim)) == [
                .escrowClosed, .wrongMiner, .wrongReceiptID, .escrowMismatch, .paymentMismatch, .unitsMismatch, .priceMismatch, .badSignature, .wrongChain,
            ])
        #expect(Problem.Code.allCases.filter(\.isOutage).allSatisfy { !$0.endsClaim })
    }

    @Test("A delivery is tried again after what may pass", arguments: Problem.Code.allCases) func deliveries(code: Problem.Code) {
        let answers: Set<Problem.Code> = [
            .verificationFailed, .outputMismatch, .leaseExpired, .unknownLease, .staleFence, .leaseTaken, .canceled, .badSignature, .nonFiniteInput,
        ]
        let passing: Set<Problem.Code> = [
            .ioFailed, .internalError, .badAnswer, .notFound, .transportFailed, .timeout, .unavailable, .unknownBlob, .unknownWorker, .rateLimited,
        ]
        if answers.contains(code) { #expect(!Problem(code, "").mayPassOnDelivery) }
        if passing.contains(code) { #expect(Problem(code, "").mayPassOnDelivery) }
    }

    @Test("Each claim that waits has pauses of its own, which grow") func holds() throws {
        let (first, second) = (try ReceiptID("rcpt_" + String(repeating: "1", count: 32)), try ReceiptID("rcpt_" + String(repeating: "2", count: 32)))
        let start = ContinuousClock.now
        let problem = Problem(.mintLimited, "")
        var holds = ClaimHolds(Pauses(first: .seconds(1), longest: .seconds(3)))
        #expect(holds.reason(first, at: start) == nil)
        for pause in [1, 2, 3, 3] {
            holds.put(first, problem, at: start)
            #expect(holds.reason(first, at: start + .seconds(pause) - .milliseconds(1)) == problem)
            #expect(holds.reason(first, at: start + .seconds(pause)) == nil)
        }
        #expect(holds.reason(second, at: start) == nil)
        holds.keepOnly { $0 == second }
        holds.put(first, problem, at: start)
        #expect(holds.reason(first, at: start + .seconds(1)) == nil)
    }

    @Test("Leases that fail make the miner wait longer each time; one that is accepted ends it") func setback() async {
        let setback = Setback(Pauses(first: .seconds(1), longest: .seconds(3)))
        let start = ContinuousClock.now
        #expect(setback.until == nil)
        for pause in [1, 2, 3, 3] {
            setback.failed(at: start)
            #expect(setback.until == start + .seconds(pause))
        }
        setback.worked()
        #expect(setback.until == nil)
        setback.failed(at: start - .seconds(5))
        await setback.wait()
    }

    @Test("A full cache gives way to nothing that a lease needs or that still arrives") func cache() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-cache-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = try BlobCache(folder, maxBytes: 100)
        let roots = ["a", "b", "c"].map { SHA256.hash(utf8: $0) }
        for (index, root) in roots.enumerated() {
            try Data(count: 40).write(to: URL(fileURLWithPath: cache.path(root)))
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_000 + Double(index))], ofItemAtPath: cache.path(root))
        }
        let partial = cache.path(SHA256.hash(utf8: "d")) + ".1.part"
        try Data(count: 10).write(to: URL(fileURLWithPath: partial))
        let isThere = { (path: String) in FileManager.default.fileExists(atPath: path) }

        cache.pin([roots[0]])
        cache.pin([roots[0]])
        cache.unpin([roots[0]])
        cache.makeRoom(for: 50)
        #expect(roots.map { isThere(cache.path($0)) } == [true, false, false])
        #expect(isThere(partial))
        cache.unpin([roots[0]])
        cache.makeRoom(for: 60)
        #expect(!isThere(cache.path(roots[0])))
        #expect(isThere(partial))
        // What an earlier run left half arrives no more.
        _ = try BlobCache(folder, maxBytes: 100)
        #expect(!isThere(partial))
    }
}

/// A node on loopback that passes everything on to the real one, once it has been away and has refused claims as often as told.
final class TroubledNode: Sendable {
    let url: BaseURL
    private let service: Running
    private let script: Script

    /// - Parameters:
    ///   - absences: how many questions for an escrow it answers as `unavailable`.
    ///   - refusals: what it says to the first claims.
    init(before world: MinerWorld, absences: Int, refusals: [Problem.Code]) async throws {
        let script = Script(absences, refusals)
        let (http, real) = (world.http, world.nodeURL)
        let pass: @Sendable (HTTPMethod, String, JSON?) async throws -> JSON = { method, path, body in
            try await http.send(HTTPRequest(method, real, path: path, body: body.map { BytesSource($0.canonicalBytes) })).checked().json()
        }
        let routes = Routes(registry: PrometheusRegistry())
        for path in ["getTx", "getBalance", "getReceipt"] {
            routes.get("/rpc/\(path)/{id}") { _, context in .json(try await pass(.get, "/rpc/\(path)/\(context.parameter("id"))", nil)) }
        }
        for path in ["params", "getHead"] { routes.get("/rpc/\(path)") { _, _ in .json(try await pass(.get, "/rpc/\(path)", nil)) } }
        routes.get("/rpc/getEscrow/{id}") { _, context in .json(try await pass(.get, "/rpc/getEscrow/\(context.parameter("id"))", nil)) }
        routes.post("/rpc/getEscrows") { request, _ in
            let body = try await request.readJSON(limit: 1 << 20)
            if script.isAway() { throw Problem(.unavailable, "away") }
            return .json(try await pass(.post, "/rpc/getEscrows", body))
        }
        routes.post("/rpc/getTxs") { request, _ in .json(try await pass(.post, "/rpc/getTxs", try await request.readJSON(limit: 1 << 20))) }
        routes.post("/rpc/sendTxs") { request, _ in
            let body = try await request.readJSON(limit: 1 << 20)
            if let code = script.refusal() { return .json(["results": [["code": .string(code.rawValue), "detail": "not now"]]]) }
            return .json(try await pass(.post, "/rpc/sendTxs", body))
        }
        let port = Told<Int>()
        let server = HTTPServer(bind: try Bind("127.0.0.1:0"), routes: routes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            port.tell($0)
        }
        service = Running(server, onEnd: { port.end() })
        self.script = script
        url = try BaseURL("http://127.0.0.1:\(try await port.value())")
    }

    /// Whether it has been away and refused as often as told.
    var isSpent: Bool { script.isSpent }

    /// Refuses nothing from now on.
    func relent() { script.relent() }

    func stop() async { await service.stop() }
}

/// What a troubled node has left to do.
private final class Script: Sendable {
    private let state: Mutex<(absences: Int, refusals: [Problem.Code])>

    init(_ absences: Int, _ refusals: [Problem.Code]) { state = Mutex((absences, refusals)) }

    func isAway() -> Bool {
        state.withLock { state in
            defer { state.absences = max(0, state.absences - 1) }
            return state.absences > 0
        }
    }

    func refusal() -> Problem.Code? { state.withLock { state in state.refusals.isEmpty ? nil : state.refusals.removeFirst() } }

    func relent() { state.withLock { $0.refusals = [] } }

    var isSpent: Bool { state.withLock { $0.absences == 0 && $0.refusals.isEmpty } }
}
