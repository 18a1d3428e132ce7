import ArgumentParser
import ChainNode
import Foundation
import HTTPServing
import Ledger
import Logging
import Operations
import Signing
import Wire

/// The chain's node.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Start a chain, or run a node of one.", subcommands: [NodeInit.self, NodeRun.self, NodeVerify.self, NodeSimulate.self])
}

struct NodeInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a genesis.json. Key files that don't exist yet are made.",
        discussion: "MINT_PER_UNIT and COORDINATOR_RATIO are read here; a running node only checks that they agree with its genesis.")

    @Option(help: "Where the genesis goes (GENESIS).") var genesis: String?
    @Option(name: .customLong("chain-id"), help: "The chain's name (CHAIN_ID).") var chainID: String?
    @Option(name: .customLong("proposer-key"), help: "Key file of the block proposer (PROPOSER_KEY).") var proposerKey: String?
    @Option(name: .customLong("admin-key"), help: "Key file of the admin (ADMIN_KEY).") var adminKey: String?
    @Option(name: .customLong("coordinator-key"), help: "Key file, or public key, of a coordinator; may be repeated.") var coordinatorKeys: [String] = []
    @Option(help: "ADDRESS=AIT or KEYFILE=AIT: funds an account; may be repeated.") var fund: [String] = []
    @Option(help: "NAME=INTEGER: sets a parameter; may be repeated.") var param: [String] = []
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Make key files without a passphrase: for devnets and tests.") var plain = false
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let settings = try Settings(configFile: config)
        let path = settings.text(.genesis, genesis)
        guard !FileManager.default.fileExists(atPath: path) else { throw Problem(.keyFileExists, "\(path) exists; a genesis is never overwritten") }
        let chain = try settings.chain(chainID)
        try Files.makeFolder((path as NSString).deletingLastPathComponent)
        // The default places of keys are in ./data, which need not be where the genesis goes.
        if [proposerKey, adminKey].contains(nil) || coordinatorKeys.isEmpty { try Files.makeFolder("./data") }
        let ring = keys.ring(settings)
        let proposerFile = settings.given(.proposerKey, proposerKey) ?? "./data/proposer.key"
        let proposer = try publicKey(proposerFile, ring)
        let admin = try publicKey(settings.given(.adminKey, adminKey) ?? "./data/admin.key", ring)
        var coordinators: [PublicKey] = []
        for text in coordinatorKeys.isEmpty ? ["./data/coordinator.key"] : coordinatorKeys {
            coordinators.append(try PublicKey(hex: text) ?? publicKey(text, ring))
        }
        let document = try GenesisBuilder.build(
            chain: chain, authorities: [proposer], coordinators: coordinators,
            admin: admin, accounts: try accounts(ring), parameters: try parameters(settings))
        try Files.write(Array((document.json.canonicalString + "\n").utf8), to: path)
        let hash = try GenesisBuilder.hash(document)
        if json { return Terminal.emit(["genesis": .string(path), "chain_id": .string(document.chain.text), "hash": .string(hash.hex)]) }
        Terminal.say("Wrote \(path): chain \(document.chain), genesis hash \(hash)")
        // What the settings say already need not be said again.
        let isUsual = settings.text(.genesis) == path
        Terminal.say("Next: adit node run\(isUsual ? "" : " --genesis \(path)") --proposer-key \(proposerFile)")
    }

    /// The public half of a key file, which is made if it doesn't exist.
    private func publicKey(_ path: String, _ ring: KeyRing) throws(Problem) -> PublicKey {
        FileManager.default.fileExists(atPath: path) ? try ring.publicKey(path) : try ring.create(path, plain: plain).publicKey
    }

    private func accounts(_ ring: KeyRing) throws(Problem) -> [Address: Int64] {
        var accounts: [Address: Int64] = [:]
        for text in fund {
            guard let equals = text.lastIndex(of: "=") else { throw Problem(.badRequest, "--fund \(text) is not ADDRESS=AIT or KEYFILE=AIT") }
            let name = String(text[..<equals])
            let address = name.hasPrefix("ait1") ? try Address(name) : try publicKey(name, ring).address
            accounts[address] = try AmountArgument.parse(String(text[text.index(after: equals)...]))
        }
        return accounts
    }

    private func parameters(_ settings: Settings) throws(Problem) -> [Parameter: Int64] {
        var values = try EnvironmentParameters.read(settings.chainParameters)
        for text in param {
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let parameter = Parameter(rawValue: String(parts[0])), let value = Int64(parts[1]), parameter.range.contains(value) else {
                let names = Parameter.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.badParams, "--param \(text) is not NAME=INTEGER in its range; the names are \(names)")
            }
            values[parameter] = value
        }
        return values
    }
}

struct NodeRun: AsyncParsableCommand, SettingFlags {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a node until Ctrl-C.", discussion: "With a proposer's key it makes blocks in its turns; without one it answers only."
    )

    @Option(help: "The chain's genesis.json (GENESIS); needed at the first start.") var genesis: String?
    @Option(help: "The SQLite file (DB_PATH).") var db: String?
    @Option(help: "HOST:PORT of the HTTP API (RPC_BIND).") var rpc: String?
    @Option(help: "HOST:PORT for peers (P2P_BIND).") var p2p: String?
    @Option(name: .customLong("proposer-key"), help: "Key file of the block proposer (PROPOSER_KEY).") var proposerKey: String?
    @Option(name: .customLong("admin-key"), help: "Key file of the admin (ADMIN_KEY); opens /admin with --admin-token-file.") var adminKey: String?
    @Option(name: .customLong("admin-token-file"), help: "File of mode 0600 with the admin's bearer token (ADMIN_TOKEN_FILE).") var adminTokenFile: String?
    @Option(
        name: .customLong("soft-check"), help: "KEY=URL: ask this coordinator before the mempool takes its claims; may be repeated.")
    var softChecks: [String] = []
    @Flag(help: "Open POST /rpc/attest, as a devnet does.") var devnet = false
    @Option(name: .customLong("log-level"), help: "trace … critical (LOG_LEVEL).") var logLevel: String?
    @OptionGroup(title: "Limits for callers") var serving: ServingOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?

    var flags: [String: String] {
        Setting.values(
            (.genesis, genesis), (.dbPath, db), (.rpcBind, rpc), (.p2pBind, p2p), (.proposerKey, proposerKey), (.adminKey, adminKey),
            (.adminTokenFile, adminTokenFile), (.logLevel, logLevel), (.passphraseFile, keys.passphraseFile)
        ).merging(serving.flags) { $1 }
    }

    func run() async throws {
        let settings = try Settings(configFile: config)
        try settings.check(.node, flags: flags)
        let logger = try Logs(level: settings.text(.logLevel, logLevel)).logger("node")
        settings.report(to: logger)
        let ring = keys.ring(settings, logger: logger)
        let path = settings.text(.genesis, genesis)
        let document: Genesis? = FileManager.default.fileExists(atPath: path) ? try GenesisBuilder.load(path) : nil
        let database = settings.text(.dbPath, db)
        guard document != nil || FileManager.default.fileExists(atPath: database) else {
            throw Problem(.wrongUsage, "there is no genesis at \(path); make a chain of your own with: adit node init, or give a chain's file: --genesis FILE")
        }
        var configuration = NodeConfiguration(
            rpc: try exposure.bind(settings.text(.rpcBind, rpc)),
            p2p: try exposure.bind(settings.text(.p2pBind, p2p)),
            databasePath: database, genesis: document)
        if let file = settings.given(.proposerKey, proposerKey) { configuration.proposer = try ring.load(file) }
        if let file = settings.given(.adminKey, adminKey) { configuration.admin = try ring.load(file) }
        if let file = settings.given(.adminTokenFile, adminTokenFile) { configuration.adminToken = try BearerToken(Files.readSecret(file)) }
        configuration.environment = settings.chainParameters
        configuration.isDevnet = devnet
        configuration.serving = try serving.limits(settings)
        for text in softChecks {
            guard let equals = text.firstIndex(of: "="), let key = PublicKey(hex: String(text[..<equals])) else {
                throw Problem(.badRequest, "--soft-check \(text) is not KEY=URL")
            }
            configuration.softChecks[key] = try exposure.url(String(text[text.index(after: equals)...]))
        }
        let probe = ServiceProbe(configuration.rpc, path: "/rpc/health")
        let service = NodeService(configuration: configuration, logger: logger) { ports in
            probe.bound(to: ports.rpc)
            logger.info("node_ready", metadata: ["rpc_port": .stringConvertible(ports.rpc), "p2p_port": .stringConvertible(ports.p2p)])
        }
        try await ServiceRun.run(service, logger: logger, probe: probe)
    }
}
