import ChainClient
import Coordinator
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import ServiceLifecycle
import Signing
import Synchronization
import Testing
import Wire

/// A clock whose hands tests move; waiting takes a few real milliseconds, so that loops go on turning.
final class CoordinatorTestClock: ServiceClock {
    private let time = Mutex<Int64>(1_800_000_000_000)

    var nowMilliseconds: Int64 { time.withLock { $0 } }
    func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
    /// Waits so far: the loops of a coordinator go on with it.
    var ticks: Int { waits.withLock { $0 } }
    private let waits = Mutex(0)

    func sleep(milliseconds: Int64) async throws {
        waits.withLock { $0 += 1 }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A real coordinator on a free port, in a directory of its own, with its chain and clock in the test's hand.
final class CoordinatorHarness: Sendable {
    let clock = CoordinatorTestClock()
    let chain: CoordinatorTestChain
    let directory: String
    let key: PrivateKey
    let chainID: ChainID
    let http: HTTPClient

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "adit-coordinator-\(UUID().uuidString)").path
        key = try .generate()
        chainID = try ChainID("ait-test-1")
        chain = CoordinatorTestChain(chainID)
        http = try HTTPClient()
    }

    deinit {
        http.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs a coordinator while `body` runs, then stops it gracefully.
    func run(
        passes: any VerifierPasses = PlainPasses(), configure: (inout CoordinatorConfiguration) -> Void = { _ in },
        _ body: (CoordinatorUnderTest) async throws -> Void
    ) async throws {
        var configuration = CoordinatorConfiguration(bind: .anyLoopbackPort, dataDirectory: directory, key: key, chain: chainID, pricePerUnit: 7)
        // Its workers claim what they like: who tests challenges turns them on.
        configuration.challenges.areEarned = false
        configure(&configuration)
        let (ports, sink) = AsyncStream<Int>.makeStream()
        let quiet = Logger(label: "coordinator") { _ in SwiftLogNoOpLogHandler() }
        let service = try CoordinatorService(configuration, chain: chain, passes: passes, clock: clock, logger: quiet) { port in sink.yield(port) }
        let group = ServiceGroup(configuration: .init(services: [.init(service: service)], gracefulShutdownSignals: [], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { sink.finish() }
                try await group.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                try await tasks.waitForAll()
                return
            }
            let running = CoordinatorUnderTest(harness: self, base: try BaseURL("http://127.0.0.1:\(port)"))
            do {
                try await running.until("the chain is seen") { try await running.isHealthy() }
                try await body(running)
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// What a test may do with a running coordinator.
struct CoordinatorUnderTest: Sendable {
    let harness: CoordinatorHarness
    let base: BaseURL

    var chain: CoordinatorTestChain { harness.chain }
    var clock: CoordinatorTestClock { harness.clock }

    func client(_ key: PrivateKey) -> CoordinatorClient {
        CoordinatorClient(base, key: key, http: harness.http, now: { [clock = harness.clock] in clock.nowMilliseconds / 1000 })
    }

    func isHealthy() async throws -> Bool { try await harness.http.send(HTTPRequest(.get, base, path: "/health")).status == 200 }

    /// Polls a condition for up to a minute: on a busy machine that is not long.
    func until(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("not reached: \(what)")
        throw CancellationError()
    }

    /// Waits until so many calls for leases are open, as the metrics say.
    func untilWorkersWait(_ count: Int) async throws {
        try await until("\(count) waiting") { try await metrics().contains("\nadit_waiting_workers \(count)\n") }
    }

    func metrics() async throws -> String {
        String(decoding: try await harness.http.send(HTTPRequest(.get, base, path: "/metrics")).body, as: UTF8.self)
    }

    /// Uploads `a` and `b`, asks for their product's quote, and pays it.
    func buy(_ work: SampleWork, by key: PrivateKey, paid: Bool = true) async throws -> TaskAnswer {
        let client = client(key)
        try await upload(work, client)
        let answer = try await client.postTask(TaskRequest(spec: work.spec, client: key.address))
        if paid {
            await chain.pay(answer.quote)
            try await until("queued") { try await client.task(answer.taskID).phase != "quoted" }
        }
        return answer
    }

    func upload(_ work: SampleWork, _ client: CoordinatorClient) async throws {
        for tensor in work.inputs { try await client.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
    }

    /// A registered worker.
    func worker(memoryBytes: Int64 = 1 << 30, tier: Tier = .inference) async throws -> TestWorker {
        let key = try PrivateKey.generate()
        let payout = try PrivateKey.generate().address
        let worker = TestWorker(key: key, payout: payout, client: client(key))
        try await worker.client.registerWorker(worker.registration(memoryBytes: memoryBytes, tier: tier))
        return worker
    }
}

/// Expects `body` to be refused with `code`.
func expectRefusal(
    _ code: Problem.Code, _ what: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("not refused; expected \(code.rawValue). \(what ?? "")", sourceLocation: sourceLocation)
    } catch {
        #expect((error as? Problem)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
}
