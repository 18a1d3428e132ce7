import ChainClient
import Foundation
import Ledger
import Signing
import Synchronization
import Wire

/// The three programs of a system.
enum Party: String, CaseIterable, Sendable {
    case node, coordinator, miner
}

/// Node, coordinator and miner: the built program as three processes on loopback, with all their data in one folder.
///
/// Nothing in them knows of the rig; they are killed and started again on their ports with their data.
final class Town: Sendable {
    let folder: String
    let chain: ChainID
    let client: PrivateKey
    let genesisSupply: Int64
    private let ports: [Party: Int]
    private let peerPort: Int
    /// Where a party finds another: its own port, or that of a relay between them.
    private let roads = Mutex<[Road: Int]>([:])
    private let children = Mutex<[Party: Child]>([:])
    /// Kept for the whole run: one client holds connections, which break with each kill.
    let http: HTTPClient

    struct Road: Hashable {
        let from: Party
        let to: Party
    }

    static let funds: Int64 = 1_000

    /// Makes keys and genesis with the program itself.
    init(_ folder: String) async throws {
        self.folder = folder
        for name in ["", "/keys", "/logs", "/node", "/coordinator", "/miner"] {
            try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        chain = try ChainID("ait-rig-" + SecureRandom.hex(bytes: 4))
        ports = Dictionary(uniqueKeysWithValues: Party.allCases.map { ($0, Ports.take()) })
        peerPort = Ports.take()
        http = try HTTPClient()
        try await Self.run(
            [
                "node", "init", "--plain", "--genesis", folder + "/genesis.json", "--chain-id", chain.text, "--proposer-key", folder + "/keys/proposer.key",
                "--admin-key", folder + "/keys/admin.key", "--coordinator-key", folder + "/keys/coordinator.key",
                "--fund", "\(folder)/keys/client.key=\(Self.funds)", "--param", "block_interval_s=1",
            ], log: folder + "/logs/init.log")
        client = try KeyFile.load(folder + "/keys/client.key")
        _ = try KeyFile.loadOrCreate(folder + "/keys/miner.key")
        genesisSupply = Self.funds * 1_000_000
    }

    /// A command of the program that ends by itself. Throws unless it ends with 0.
    private static func run(_ arguments: [String], log: String) async throws {
        let child = try Child(RigSettings.program, arguments, environment: environment, log: log)
        while child.status == nil { try await Task.sleep(for: .milliseconds(5)) }
        guard child.status == 0 else { throw Problem(.internalError, "adit \(arguments.prefix(2).joined(separator: " ")) failed; see \(log)") }
    }

    /// `adit node verify` on the stopped node's store: every block executed again.
    func verifyChain() async throws {
        try await Self.run(["node", "verify", "--db", data(.node) + "/chain.db", "--genesis", folder + "/genesis.json"], log: folder + "/logs/verify.log")
    }

    private static var environment: [String: String] {
        let names = ["PATH", "HOME", "LD_LIBRARY_PATH"]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in ProcessInfo.processInfo.environment[name].map { (name, $0) } })
    }

    func port(_ party: Party) -> Int { ports[party] ?? 0 }

    func log(_ party: Party) -> String { "\(folder)/logs/\(party).log" }

    func data(_ party: Party) -> String { "\(folder)/\(party)" }

    /// From the next start of `from` on, it reaches `to` through this port.
    func lead(_ from: Party, to: Party, through port: Int) { roads.withLock { $0[Road(from: from, to: to)] = port } }

    private func url(_ from: Party, _ to: Party) -> String { "http://127.0.0.1:\(roads.withLock { $0[Road(from: from, to: to)] } ?? port(to))" }

    private func arguments(_ party: Party) -> [String] {
        let bind = "127.0.0.1:\(port(party))"
        switch party {
        case .node:
            return [
                "node", "run", "--genesis", folder + "/genesis.json", "--db", data(.node) + "/chain.db", "--rpc", bind, "--p2p", "127.0.0.1:\(peerPort)",
                "--proposer-key", folder + "/keys/proposer.key",
            ]
        case .coordinator:
            let relay = roads.withLock { $0[Road(from: .miner, to: .coordinator)] }
            return [
                "coordinator", "run", "--bind", bind, "--node", url(.coordinator, .node), "--data", data(.coordinator), "--key",
                folder + "/keys/coordinator.key", "--chain-id", chain.text,
            ] + (relay.map { ["--authority", "127.0.0.1:\($0)"] } ?? [])
        case .miner:
            return [
                "miner", "run", "--bind", bind, "--coordinator", url(.miner, .coordinator), "--node", url(.miner, .node), "--data", data(.miner), "--key",
                folder + "/keys/miner.key", "--chain-id", chain.text, "--threads", "1", "--memory-mb", "512",
            ]
        }
    }

    // MARK: life and death

    func start(_ party: Party, faults: [String: String] = [:]) throws {
        let child = try Child(
            RigSettings.program, arguments(party), environment: Self.environment.merging(faults) { $1 }, log: log(party))
        children.withLock { $0[party] = child }
    }

    func startAll() throws { for party in Party.allCases { try start(party) } }

    /// False where it had ended by itself.
    @discardableResult func kill(_ party: Party) -> Bool { children.withLock { $0[party] }?.kill() ?? false }

    func killAll() { for party in Party.allCases { kill(party) } }

    /// Whether the party has ended; nil while it runs.
    func status(_ party: Party) -> Int32? { children.withLock { $0[party] }?.status }

    /// SIGTERM to all, the miner first. Throws unless each ends with 0.
    ///
    /// A program that has just been started and takes no signals yet would be ended by one, as any program is: it gets to where it answers.
    func stop() async throws {
        for party in Party.allCases.reversed() {
            let base = try BaseURL("http://127.0.0.1:\(port(party))")
            try await insist("\(party)", until: .now + .seconds(60)) { try await http.send(HTTPRequest(.get, base, path: "/health")).status }
            guard let child = children.withLock({ $0[party] }) else { continue }
            let status = try await child.stop(patience: 10)
            guard status == 0 else {
                throw Problem(.internalError, "\(party) ended with \(status.map(String.init) ?? "nothing in 10 s") when it was told to stop")
            }
        }
    }

    // MARK: talking

    var node: NodeClient {
        get throws { NodeClient(try BaseURL("http://127.0.0.1:\(port(.node))"), http: http) }
    }

    var coordinator: CoordinatorClient {
        get throws { CoordinatorClient(try BaseURL("http://127.0.0.1:\(port(.coordinator))"), key: client, http: http) }
    }
}
