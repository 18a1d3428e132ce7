import ArgumentParser
import ChainClient
import Coordinator
import Foundation
import HTTPServing
import Jobs
import Operations
import Profiler
import Signing
import Wire

/// The coordinator: quotes, leases, checks, signs.
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Run a coordinator: it quotes work, leases it out, checks it and signs for it.",
        subcommands: [CoordinatorRun.self])
}

struct CoordinatorRun: AsyncParsableCommand, SettingFlags {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a coordinator until Ctrl-C.",
        discussion: "Its key must be on the chain's list of coordinators, or no claim it signs is paid.")

    @Option(help: "HOST:PORT of the HTTP API (COORDINATOR_BIND).") var bind: String?
    @Option(help: "The chain node's URL (NODE_URL).") var node: String?
    @Option(help: "The folder for its store and the tensors (COORDINATOR_DATA).") var data: String?
    @Option(help: "Its key file (COORDINATOR_KEY).") var key: String?
    @Option(name: .customLong("chain-id"), help: "The chain's name (CHAIN_ID).") var chainID: String?
    @Option(name: .customLong("price-per-unit"), help: "Base units for one compute unit of 10^6 operations (PRICE_PER_UNIT).") var pricePerUnit: Int?
    @Option(help: "HOST under which clients reach it, HOST:PORT for a port that isn't the scheme's own, besides its address on loopback; may be repeated.")
    var authority: [String] = []
    @Option(help: "Whether workers' tiers are earned or, as they say, claimed (COORDINATOR_TIERS).") var tiers: String?
    @Option(help: "The key file of an account that pays for unsigned tasks; nobody does without it (SPONSOR_KEY).") var sponsor: String?
    @Option(name: .customLong("sponsor-per-hour"), help: "Base units that it pays within an hour (SPONSOR_PER_HOUR).") var sponsorPerHour: Int?
    @Option(name: .customLong("sponsor-total"), help: "Base units that it pays in all (SPONSOR_TOTAL).") var sponsorTotal: Int?
    @Option(name: .customLong("log-level"), help: "trace … critical (LOG_LEVEL).") var logLevel: String?
    @OptionGroup(title: "Limits for callers") var serving: ServingOptions
    @OptionGroup(title: "Limits for signers") var signers: SignerOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?

    var flags: [String: String] {
        Setting.values(
            (.coordinatorBind, bind), (.nodeURL, node), (.coordinatorData, data), (.coordinatorKey, key), (.chainID, chainID),
            (.pricePerUnit, pricePerUnit.map(String.init)), (.coordinatorTiers, tiers), (.sponsorKey, sponsor),
            (.sponsorPerHour, sponsorPerHour.map(String.init)), (.sponsorTotal, sponsorTotal.map(String.init)), (.logLevel, logLevel),
            (.ratePerKey, signers.ratePerKey.map(String.init)), (.passphraseFile, keys.passphraseFile)
        ).merging(serving.flags) { $1 }
    }

    func run() async throws {
        let settings = try Settings(configFile: config)
        try settings.check(.coordinator, flags: flags)
        let logger = try Logs(level: settings.text(.logLevel, logLevel)).logger("coordinator")
        settings.report(to: logger)
        let folder = settings.text(.coordinatorData, data)
        try Files.makeFolder(folder)
        let lock = try Files.lockFolder(folder)
        defer { try? lock.close() }
        let ring = keys.ring(settings, logger: logger)
        var configuration = CoordinatorConfiguration(
            bind: try exposure.bind(settings.text(.coordinatorBind, bind)), dataDirectory: folder,
            key: try ring.load(settings.text(.coordinatorKey, key)),
            chain: try settings.chain(chainID),
            pricePerUnit: Int64(try settings.integer(.pricePerUnit, pricePerUnit)))
        configuration.authorities = Set(authority)
        let tiers = settings.text(.coordinatorTiers, tiers)
        try Setting.coordinatorTiers.check(tiers)
        if tiers.lowercased() == "claimed" { configuration.challenges = .claimed }
        configuration.serving = try serving.limits(settings)
        try signers.set(&configuration.serving.rates, settings)
        configuration.limits = CoordinatorDefaults.limits(configuration.serving.connections)
        if let path = settings.given(.sponsorKey, sponsor) {
            configuration.sponsor = Sponsor(
                key: try ring.load(path),
                perHour: Int64(try settings.integer(.sponsorPerHour, sponsorPerHour)),
                inAll: Int64(try settings.integer(.sponsorTotal, sponsorTotal)))
        }
        let chain = NodeChain(
            try exposure.url(settings.text(.nodeURL, node)), http: try HTTPClient(), chain: configuration.chain,
            key: configuration.key.publicKey)
        let probe = ServiceProbe(configuration.bind, path: "/health")
        let service = try CoordinatorService(configuration, chain: chain, passes: try Hardware.passes(), logger: logger) { probe.bound(to: $0) }
        try await ServiceRun.run(service, logger: logger, probe: probe)
    }
}

enum CoordinatorDefaults {
    /// Base units for one compute unit: 10^9 operations cost a twentieth of an AIT.
    static let pricePerUnit = Setting.pricePerUnit.standardInteger
    /// 10 AIT in an hour and 1,000 in all: some hundred thousand small tasks.
    static let sponsorPerHour = Setting.sponsorPerHour.standardInteger
    static let sponsorTotal = Setting.sponsorTotal.standardInteger

    /// The service's own limits, with a check's memory bounded by half of what this process may use, and long calls by half and a
    /// quarter of the connections.
    static func limits(_ connections: ConnectionLimits = ConnectionLimits()) -> CoordinatorLimits {
        var limits = CoordinatorLimits()
        limits.waitingWorkers = min(limits.waitingWorkers, connections.maximum / 2)
        limits.eventListeners = min(limits.eventListeners, connections.maximum / 4)
        limits.uploadBytesPerSecond = connections.throughput.bytesPerSecond
        if let memory = Machine.current().memory.usableBytes { limits.jobBytes = min(limits.jobBytes, Int(clamping: memory / 2)) }
        return limits
    }
}
