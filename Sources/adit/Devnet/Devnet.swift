import ChainClient
import ChainNode
import Coordinator
import Foundation
import HTTPServing
import Jobs
import Ledger
import Logging
import MinerNode
import Profiler
import ServiceLifecycle
import Signing
import Synchronization
import Wire

/// Node, coordinator and miners in one process, talking over HTTP as they would on three machines.
///
/// The devnet is itself a service: it starts the others one after the other, shows the jobs and then waits for the end.
final class Devnet: Service {
    private let folder: DevnetFolder
    private let ports: DevnetPorts
    private let digits: Digits
    private let hardware: Hardware
    private let logs: Logs
    private let once: Bool
    private let http: HTTPClient
    private let group = Mutex<ServiceGroup?>(nil)

    init(folder: DevnetFolder, ports: DevnetPorts, digits: Digits, hardware: Hardware, logs: Logs, once: Bool) throws(Problem) {
        self.folder = folder
        self.ports = ports
        self.digits = digits
        self.hardware = hardware
        self.logs = logs
        self.once = once
        http = try HTTPClient()
    }

    private var node: NodeClient { get throws(Problem) { NodeClient(try BaseURL(DevnetPorts.url(ports.rpc)), http: http) } }
    private var coordinator: CoordinatorClient {
        get throws(Problem) { CoordinatorClient(try BaseURL(DevnetPorts.url(ports.coordinator)), key: folder.client, http: http) }
    }

    /// Runs everything until Ctrl-C, or with `once` until the jobs are done.
    /// - Throws: why a job wasn't paid or didn't agree, or why a service ended.
    func runToEnd() async throws {
        let group = ServiceRun.group([self], logger: logs.logger("devnet"))
        self.group.withLock { $0 = group }
        do {
            try await group.run()
        } catch {
            throw ServiceRun.problem(error)
        }
        Terminal.say("Stopped. Everything is in \(folder.path).")
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.show() }
        } catch  where error is CancellationError || (error as? Problem)?.code == .canceled {
            // Stopped in the middle: that is the end of a devnet, but not what --once was asked for.
            if once { throw Problem(.canceled, "stopped before the jobs were paid and checked") }
            return
        }
        if once { return }
        try await gracefulShutdown()
        Terminal.say("Stopping…")
    }

    private func show() async throws {
        Terminal.say("adit \(Version.text): a devnet in \(folder.path)\(folder.isOld ? ", going on with its chain" : ", with a new chain and new keys")")
        try await startNode()
        try await startCoordinator()
        try await startMiners()
        try file().save(folder.path)
        let accounts: [(name: String, address: Address)] =
            [("client", folder.client.address)] + folder.miners.enumerated().map { ("miner\($0.offset)", $0.element.address) }
            + [("coordinator", folder.coordinator.address)]
        let wallet = Wallet(node: try node, key: folder.client, chain: folder.genesis.chain)
        let client = JobClient(wallet: wallet, coordinator: try coordinator)
        try await Demonstration(client: client, digits: digits, folder: folder.work, accounts: accounts).run()
        Terminal.say("")
        if !once { invite() }
    }

    // MARK: starting

    private func add(_ service: any Service) async {
        await group.withLock { $0 }?.addServiceUnlessShutdown(ServiceRun.configured(service))
    }

    private func startNode() async throws {
        var configuration = NodeConfiguration(
            rpc: try DevnetPorts.bind(ports.rpc), p2p: try DevnetPorts.bind(ports.p2p), databasePath: folder.chainDatabase, genesis: folder.genesis,
            proposer: folder.proposer)
        configuration.isDevnet = true
        configuration.admin = folder.admin
        configuration.adminToken = try BearerToken(folder.adminToken)
        configuration.environment = try Settings().chainParameters
        let ready = Once()
        await add(NodeService(configuration: configuration, logger: logs.logger("node")) { _ in ready.set() })
        try await ready.wait()
        Terminal.say("node        \(DevnetPorts.url(ports.rpc))  chain \(folder.genesis.chain), a block a second, proposer \(folder.proposer.address)")
    }

    private func startCoordinator() async throws {
        try Files.makeFolder(folder.coordinatorData)
        var configuration = CoordinatorConfiguration(
            bind: try DevnetPorts.bind(ports.coordinator), dataDirectory: folder.coordinatorData, key: folder.coordinator, chain: folder.genesis.chain,
            pricePerUnit: Int64(CoordinatorDefaults.pricePerUnit))
        configuration.limits = CoordinatorDefaults.limits()
        // Its miners share this machine, and nobody has to be convinced of anything.
        configuration.challenges = .claimed
        configuration.sponsor = Sponsor(
            key: folder.sponsor, perHour: Int64(CoordinatorDefaults.sponsorPerHour), inAll: Int64(CoordinatorDefaults.sponsorTotal))
        let chain = NodeChain(try BaseURL(DevnetPorts.url(ports.rpc)), http: http, chain: configuration.chain, key: configuration.key.publicKey)
        let ready = Once()
        let service = try CoordinatorService(configuration, chain: chain, passes: try Hardware.passes(), logger: logs.logger("coordinator")) { _ in ready.set()
        }
        await add(service)
        try await ready.wait()
        Terminal.say("coordinator \(DevnetPorts.url(ports.coordinator))  \(CoordinatorDefaults.pricePerUnit) base units a compute unit of 10^6 operations")
    }

    private func startMiners() async throws {
        Terminal.say("miner       measuring this machine…")
        let outcome = try await hardware.profile(.quick)
        Terminal.say("            \(hardware.summary(outcome))")
        for (index, key) in folder.miners.enumerated() {
            try Files.makeFolder(folder.minerData(index))
            var configuration = MinerConfiguration(
                coordinator: try BaseURL(DevnetPorts.url(ports.coordinator)), node: try BaseURL(DevnetPorts.url(ports.rpc)), chain: folder.genesis.chain,
                key: key,
                dataDirectory: folder.minerData(index), backends: hardware.backends)
            configuration.local = try DevnetPorts.bind(ports.miners[index])
            configuration.blasCore = hardware.blasCore
            configuration.profile = outcome
            configuration.softwareVersion = Version.text
            await add(MinerService(configuration: configuration, logger: logs.logger("miner\(index)")))
            Terminal.say("miner\(index)      \(DevnetPorts.url(ports.miners[index]))  \(key.address), tier \(outcome.tier.rawValue)")
        }
        while try await coordinator.networkState().workerCount < Int64(folder.miners.count) { try await Poll.pause() }
    }

    // MARK: telling

    private func file() -> DevnetFile {
        DevnetFile(
            chain: folder.genesis.chain, rpc: DevnetPorts.url(ports.rpc), p2p: DevnetPorts.url(ports.p2p), coordinator: DevnetPorts.url(ports.coordinator),
            miners: ports.miners.map { DevnetPorts.url($0) }, adminToken: folder.adminToken, keys: folder.namedKeys)
    }

    private func invite() {
        let pages =
            [
                (DevnetPorts.url(ports.rpc) + "/rpc/getHead", "the newest block"), (DevnetPorts.url(ports.rpc) + "/rpc/params", "the chain's parameters"),
                (DevnetPorts.url(ports.coordinator) + "/network/state", "workers and jobs"),
            ] + ports.miners.map { (DevnetPorts.url($0) + "/", "a miner's page; /status for programs") } + [(folder.log, "the services' logs")]
        let width = pages.map(\.0.count).max() ?? 0
        Terminal.say("The devnet stays up; Ctrl-C stops it. To look at:")
        for (page, what) in pages { Terminal.say("  " + page + String(repeating: " ", count: width - page.count) + "  " + what) }
        Terminal.say("A small task by plain curl, paid by the devnet's sponsor; then GET /tasks/ID/result:")
        Terminal.say("  curl -d '{\"type\":\"compute\",\"data\":{\"input\":[1,2,3,4,5],\"operations\":[\"square\",\"sum\"]}}' \\")
        Terminal.say("      \(DevnetPorts.url(ports.coordinator))/tasks")
        Terminal.say("A job of your own, in another terminal:")
        Terminal.say("  adit job submit gemm --a \(digits.trainPath)#x --b \(digits.trainPath)#x --transpose-b \\")
        Terminal.say("      --out gram.safetensors --wait --devnet \(folder.path)")
    }
}

/// Something that happens once, for one waiter.
final class Once: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func set() { continuation.finish() }

    /// Throws `CancellationError` when the task ends first.
    func wait() async throws {
        for await _ in stream {}
        try Task.checkCancellation()
    }
}
