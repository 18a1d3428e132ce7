import ArgumentParser
import ChainClient
import Foundation
import HTTPServing
import Jobs
import Kernels
import Logging
import MinerNode
import NativeBackend
import Operations
import Profiler
import Sensors
import Signing
import Wire

/// The miner.
struct MinerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "miner", abstract: "Work for a coordinator, see what was earned, or measure this machine.",
        subcommands: [
            MinerRun.self, MinerPause.self, MinerResume.self, MinerDrain.self, MinerSet.self, MinerStatus.self, MinerReceipts.self, MinerProfile.self,
        ])
}

struct MinerRun: AsyncParsableCommand, SettingFlags {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Work for a coordinator until Ctrl-C.",
        discussion: """
            In a terminal one live page shows what it does; its keys are p pause, r resume, d drain, i details and, twice, q quit. Anywhere else, and with \
            --plain, it writes JSON log lines to standard error. Leases that are held are given back at the end; what was computed and not yet paid goes on \
            at the next start.
            """)

    @Option(help: "The coordinator's URL (COORDINATOR_URL).") var coordinator: String?
    @Option(help: "The chain node's URL (NODE_URL).") var node: String?
    @Option(help: "The folder for the outbox and the cache (MINER_DATA).") var data: String?
    @Option(help: "Its key file, made if there is none (MINER_KEY).") var key: String?
    @Option(help: "The address that is paid; the key's own where not given (MINER_PAYOUT).") var payout: String?
    @Option(help: "HOST:PORT of the local API that `adit miner status` asks (MINER_BIND).") var bind: String?
    @Option(name: .customLong("chain-id"), help: "The chain's name (CHAIN_ID).") var chainID: String?
    @Flag(help: "Measure the machine anew; a measurement is otherwise kept for a week.") var reprofile = false
    @Flag(help: "Log lines in a terminal, too, instead of the live page.") var plain = false
    @Option(name: .customLong("log-level"), help: "trace … critical (LOG_LEVEL).") var logLevel: String?
    @OptionGroup(title: "Limits (adit miner set changes those of the config file while it runs)") var limits: LimitOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?

    var flags: [String: String] {
        limits.flags.merging(
            Setting.values(
                (.coordinatorURL, coordinator), (.nodeURL, node), (.minerData, data), (.minerKey, key), (.minerPayout, payout), (.minerBind, bind),
                (.chainID, chainID), (.logLevel, logLevel), (.passphraseFile, keys.passphraseFile))
        ) { $1 }
    }

    func run() async throws {
        let settings = try Settings(configFile: config)
        try settings.check(.miner, flags: flags)
        let folder = settings.text(.minerData, data)
        Allocator.useFewArenas()
        let environment = ProcessInfo.processInfo.environment
        let live = plain ? nil : LiveLog(for: environment, folder: folder)
        let level = settings.text(.logLevel, logLevel)
        let logger = try (live.map { (log) throws(Problem) in try Logs(level: level, write: log.write) } ?? Logs(level: level)).logger("miner")
        settings.report(to: logger)
        try Files.makeFolder(folder)
        let lock = try Files.lockFolder(folder)
        defer { try? lock.close() }
        let coordinatorURL = try exposure.url(settings.text(.coordinatorURL, coordinator))
        let nodeURL = try exposure.url(settings.text(.nodeURL, node))
        let ring = keys.ring(settings, logger: logger)
        let key = try ring.loadOrCreate(settings.text(.minerKey, key))
        let allowed = try LimitSettings.limits(settings, flags: limits.flags)
        for contradiction in allowed.contradictions(on: .here) { logger.warning("limits_contradict", metadata: ["detail": "\(contradiction.detail)"]) }
        ServiceManager.say("testing the devices")
        let hardware = try await Hardware.open(
            threads: nil, atMost: allowed.threads, choices: "\(folder)/backends.json", anew: reprofile
        ).adding(try OpenCLSettings.options(settings, folder: folder))
        for note in hardware.notes { logger.warning("backend_note", metadata: ["note": "\(note)"]) }
        for cost in hardware.costs(hardware.inventory(folder: folder)) {
            logger.warning(
                "environment_cost", metadata: ["cost": "\(cost.code.rawValue)", "found": "\(cost.found)", "detail": "\(cost.cost)", "remedy": "\(cost.remedy)"])
        }
        var configuration = MinerConfiguration(
            coordinator: coordinatorURL, node: nodeURL,
            chain: try settings.chain(chainID), key: key,
            payout: try settings.given(.minerPayout, payout).map { (text) throws(Problem) in try Address(text) }, dataDirectory: folder,
            backends: hardware.backends)
        configuration.allow(allowed, config: config, flags: limits.flags, settings: settings, logger: logger)
        let local = try exposure.bind(settings.text(.minerBind, bind))
        configuration.local = local
        configuration.blasCore = hardware.blasCore
        configuration.softwareVersion = Version.text
        configuration.reprofile = reprofile
        configuration.sensors = hardware.sensors()
        configuration.activity = SystemActivity(folder: folder)
        if let risk = MinerSettings.payoutRisk(configuration.payout, key: key.address) {
            logger.warning("key_warning", metadata: ["note": "\(risk)"])
        }
        let probe = ServiceProbe(local, path: "/status")
        let service = MinerService(configuration: configuration, logger: logger) { port in port.map(probe.bound) }
        let page = live.map { LivePage(panel: service.panel, terminal: RawTerminal(), log: $0, looks: LivePage.Looks(environment)) }
        try await ServiceRun.run(service, beside: page.map { [$0] } ?? [], logger: logger, probe: probe)
    }
}

enum MinerSettings {
    /// What is wrong with a payout to the miner's own key, and the remedy; nil where earnings go elsewhere.
    static func payoutRisk(_ payout: Address, key: Address) -> String? {
        guard payout == key else { return nil }
        return "earnings go to this miner's own key, which lies on this machine; make one elsewhere (adit wallet new cold.key) and give its address: "
            + "--payout ait1…, or MINER_PAYOUT"
    }
}
