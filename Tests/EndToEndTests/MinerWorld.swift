import ChainClient
import ChainNode
import Coordinator
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import MinerNode
import NativeBackend
import Profiler
import ServiceLifecycle
import Signing
import Synchronization
import Testing
import Wire

/// A chain node and a coordinator on loopback, and a client with money: what a miner meets outside.
struct MinerWorld {
    let chain: ChainID
    let folder: String
    let client: PrivateKey
    let miner: PrivateKey
    let http: HTTPClient
    let nodeURL: BaseURL
    let coordinatorURL: BaseURL

    var node: NodeClient { NodeClient(nodeURL, http: http) }
    var coordinator: CoordinatorClient { CoordinatorClient(coordinatorURL, key: client, http: http) }

    static let funds: Int64 = 1_000_000_000
    static let pricePerUnit: Int64 = 500

    /// Starts the services, runs `body` beside them and stops them.
    ///
    /// - Parameter leaseSeconds: without a heartbeat for so long, a lease is over.
    static func run(
        policy: JobPolicy = JobPolicy(), challenges: ChallengeRules = .claimed, leaseSeconds: Int64 = 60,
        _ body: @escaping @Sendable (MinerWorld) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-miner-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let chain = try ChainID("ait-test-\(SecureRandom.hex(bytes: 4))")
        let (client, proposer, key) = (try PrivateKey.generate(), try PrivateKey.generate(), try PrivateKey.generate())
        let http = try HTTPClient()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

        let genesis = try Genesis(
            chain: chain, timestamp: Int64(Date().timeIntervalSince1970) - 1, accounts: [client.address: funds],
            parameters: Parameters(
                [.blockInterval: 1, .refundDelay: 3], authorities: [proposer.publicKey], coordinators: [key.publicKey], admin: proposer.publicKey))
        let nodeConfiguration = NodeConfiguration(
            rpc: try Bind("127.0.0.1:0"), p2p: try Bind("127.0.0.1:0"), databasePath: "\(folder)/chain.db", genesis: genesis, proposer: proposer)
        let nodePort = Told<Int>()
        let node = Running(NodeService(configuration: nodeConfiguration, logger: logger) { nodePort.tell($0.rpc) }, onEnd: { nodePort.end() })
        let nodeURL = try BaseURL("http://127.0.0.1:\(try await nodePort.value())")

        var coordinatorConfiguration = CoordinatorConfiguration(
            bind: try Bind("127.0.0.1:0"), dataDirectory: "\(folder)/coordinator", key: key, chain: chain, pricePerUnit: pricePerUnit)
        coordinatorConfiguration.policy = policy
        coordinatorConfiguration.challenges = challenges
        coordinatorConfiguration.limits.leaseMilliseconds = leaseSeconds * 1000
        let coordinatorPort = Told<Int>()
        let coordinator = Running(
            try CoordinatorService(
                coordinatorConfiguration,
                chain: NodeChain(nodeURL, http: http, chain: coordinatorConfiguration.chain, key: coordinatorConfiguration.key.publicKey),
                passes: try NativePasses(), logger: logger
            ) {
                coordinatorPort.tell($0)
            },
            onEnd: { coordinatorPort.end() })
        let coordinatorURL = try BaseURL("http://127.0.0.1:\(try await coordinatorPort.value())")

        let world = MinerWorld(
            chain: chain, folder: folder, client: client, miner: try PrivateKey.generate(), http: http, nodeURL: nodeURL, coordinatorURL: coordinatorURL)
        do {
            // Orders are refused until the coordinator has seen the chain.
            try await world.until("the coordinator has seen the chain") { (try? await world.coordinator.health()) != nil }
            try await body(world)
        } catch {
            await coordinator.stop()
            await node.stop()
            throw error
        }
        await coordinator.stop()
        await node.stop()
    }

    /// A miner's configuration: small pauses, a profile that needs no measuring.
    func configuration(_ backend: any ComputeBackend = PlainBackend(), key: PrivateKey? = nil, folder name: String = "miner") throws -> MinerConfiguration {
        var configuration = MinerConfiguration(
            coordinator: coordinatorURL, node: nodeURL, chain: chain, key: key ?? miner, dataDirectory: "\(folder)/\(name)", backends: [backend])
        configuration.pauses = Pauses(first: .milliseconds(20), longest: .milliseconds(500))
        configuration.followEvery = .milliseconds(100)
        configuration.pollSeconds = 2
        configuration.giveBackWithin = .seconds(60)
        configuration.profile = Profiler.Outcome(
            machine: .current(), bestBackend: backend.name, f32FlopsPerSecond: 1e9, memoryBytesPerSecond: 1e9, tier: .inference,
            profile: WorkerProfile(
                cpuModel: "test", cores: 1, isa: [], memoryBytes: 1 << 30, devices: [WorkerDevice(kind: "cpu", name: "test", memoryBytes: 1 << 30)],
                f32FlopsPerSecond: 1_000_000_000, memoryBytesPerSecond: 1_000_000_000, blasCore: nil, softwareVersion: "0.1.0"))
        return configuration
    }

    // MARK: the client's side

    /// Uploads X (m×k, I8, from a seed), asks for X·Xᵀ and pays. Comes back when the payment is in the mempool.
    func order(m: Int, k: Int, seed: String = "x") async throws -> Quote {
        let x = try RandomTensor(seed: SHA256.hash(utf8: seed), descriptor: TensorDescriptor(name: "a", dtype: .i8, shape: [m, k])).generate()
        try await coordinator.putBlob(x.root, BytesSource(x.buffer.bytes))
        let inputs = [
            InputSpec(x.descriptor, .blob(x.root)), InputSpec(try TensorDescriptor(name: "b", dtype: .i8, shape: [m, k]), .blob(x.root)),
        ]
        return try await order(JobSpec(type: "gemm", params: ["transpose_b": true], inputs: inputs))
    }

    /// A product of F32 tensors that nobody has to send: m×k by k×n, from seeds.
    func orderRandom(m: Int, n: Int, k: Int) async throws -> Quote {
        try await order(
            JobSpec(
                type: "gemm", params: [:],
                inputs: [
                    InputSpec(try TensorDescriptor(name: "a", dtype: .f32, shape: [m, k]), .random(seed: SHA256.hash(utf8: "a"))),
                    InputSpec(try TensorDescriptor(name: "b", dtype: .f32, shape: [k, n]), .random(seed: SHA256.hash(utf8: "b"))),
                ]))
    }

    /// So many small products (16×16×16) from seeds, quoted and paid for together. Comes back when the payments are in a block.
    func orderMany(_ count: Int, size: Int = 16) async throws -> [Quote] {
        let nonce = try await node.getBalance(client.address).nonce
        var quotes: [Quote] = []
        var payments: [Transaction] = []
        for index in 0..<count {
            let inputs = try ["a", "b"].map { name in
                InputSpec(try TensorDescriptor(name: name, dtype: .f32, shape: [size, size]), .random(seed: SHA256.hash(utf8: "\(name) \(index)")))
            }
            let spec = try JobSpec(type: "gemm", params: [:], inputs: inputs)
            let quote = try await coordinator.postTask(TaskRequest(spec: spec, client: client.address)).quote
            let payload = Payload.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))
            payments.append(.signed(by: client, chain: chain, nonce: nonce + Int64(index) + 1, fee: 10, payload: payload))
            quotes.append(quote)
        }
        for start in stride(from: 0, to: count, by: NodeClient.transactionsAtOnce) {
            for outcome in try await node.sendTxs(Array(payments[start..<min(count, start + NodeClient.transactionsAtOnce)])) { _ = try outcome.get() }
        }
        while try await node.getEscrows(quotes.suffix(1).map(\.jobID)) == [nil] { try await Task.sleep(for: .milliseconds(50)) }
        return quotes
    }

    /// Uploads tensors, asks for a kernel on them and pays.
    func order(_ kernel: String, _ params: JSON, _ tensors: [Tensor]) async throws -> Quote {
        for tensor in tensors { try await coordinator.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
        return try await order(JobSpec(type: kernel, params: params, inputs: tensors.map { InputSpec($0.descriptor, .blob($0.root)) }))
    }

    private func order(_ spec: JobSpec) async throws -> Quote {
        let quote = try await coordinator.postTask(TaskRequest(spec: spec, client: client.address)).quote
        let nonce = try await node.getBalance(client.address).nonce + 1
        let payload = Payload.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))
        let fee = try await node.estimateFee(payload)
        try await node.sendTx(.signed(by: client, chain: chain, nonce: nonce, fee: fee, payload: payload))
        return quote
    }

    func status(_ quote: Quote) async throws -> TaskStatus { try await coordinator.task(quote.jobID) }
    func earned() async throws -> Int64 { try await node.getBalance(miner.address).balance }
}

/// A service running in a group of its own, which can be stopped gracefully or killed.
final class Running: Sendable {
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    init(_ service: any Service, onEnd: @escaping @Sendable () -> Void = {}) {
        let group = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        self.group = group
        task = Task {
            defer { onEnd() }
            try await group.run()
        }
    }

    func stop() async {
        await group.triggerGracefulShutdown()
        _ = await task.result
    }

    /// Drops the service where it is.
    func kill() async {
        task.cancel()
        _ = await task.result
    }

    /// How it ended.
    var result: Result<Void, any Error> { get async { await task.result } }
}

/// One value that somebody will tell, with an end to the waiting.
final class Told<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let sink: AsyncStream<Value>.Continuation

    init() { (stream, sink) = AsyncStream.makeStream() }

    func tell(_ value: Value) { sink.yield(value) }
    /// Nothing will be told any more.
    func end() { sink.finish() }

    struct NothingTold: Error {}

    /// The value; throws when the teller ends, or three minutes have passed, without one.
    func value() async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await value in self.stream { return value }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: .seconds(180))
                return nil
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() ?? nil else { throw NothingTold() }
            return value
        }
    }
}

/// A miner and what it told.
final class TestMiner: Sendable {
    private let events: Mutex<[MinerEvent]>
    private let service: Running
    private let told: AsyncStream<MinerEvent>
    let port = Told<Int?>()

    init(_ configuration: MinerConfiguration) {
        let (stream, sink) = AsyncStream<MinerEvent>.makeStream()
        told = stream
        let port = port
        events = Mutex([])
        service = Running(
            MinerService(
                configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onReady: { port.tell($0) },
                onEvent: { sink.yield($0) }),
            onEnd: {
                port.end()
                sink.finish()
            })
    }

    struct NoSuchEvent: Error { let wanted: MinerEvent.Name, seen: [MinerEvent] }

    /// Waits for the next event of this name; at most three minutes.
    @discardableResult func wait(_ name: MinerEvent.Name) async throws -> MinerEvent {
        let found: MinerEvent? = await withTaskGroup(of: MinerEvent?.self) { group in
            group.addTask {
                for await event in self.told {
                    self.events.withLock { $0.append(event) }
                    if event.name == name { return event }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(180))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let found else { throw NoSuchEvent(wanted: name, seen: events.withLock { $0 }) }
        return found
    }

    var seen: [MinerEvent.Name] { events.withLock { $0.map(\.name) } }

    func localPort() async throws -> Int? { try await port.value() }
    func stop() async { await service.stop() }
    func kill() async { await service.kill() }
    var result: Result<Void, any Error> { get async { await service.result } }
}
