import ArgumentParser
import Foundation
import Operations
import Wire

/// A command with settings among its options.
protocol SettingFlags: ParsableArguments {
    var config: String? { get }
    /// The options that stand for settings and were given, by the setting's name.
    var flags: [String: String] { get }
}

struct ConfigShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Every setting of a service, its value and where that comes from.",
        discussion: """
            Options of the service may follow after --, as in: adit config show -- --threads 4
            What hides another value names it. Mistakes are listed at the end; exit code 1 if there are any.
            """)

    @Option(help: "Whose settings: miner, coordinator, node or client.") var service = Setting.Service.miner
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?
    @Flag(help: "Print one JSON object.") var json = false
    @Argument(parsing: .postTerminator, help: "Options of the service's run command.") var options: [String] = []

    func run() throws {
        let command: (any SettingFlags)? =
            switch service {
            case .miner: try MinerRun.parse(options)
            case .coordinator: try CoordinatorRun.parse(options)
            case .node: try NodeRun.parse(options)
            case .client: nil
            }
        let settings = try Settings(configFile: config ?? command?.config, strict: false)
        let shown = Setting.all.filter { $0.services.contains(service) }.map { ShownSetting($0, settings, command?.flags[$0.name]) }
        var faults = settings.file?.faults.map(\.detail) ?? []
        faults += shown.compactMap(\.fault)
        if service == .miner {
            let good = Dictionary(uniqueKeysWithValues: shown.filter { $0.fault == nil }.map { ($0.setting.name, $0.layers.first?.value) })
            faults += (try? OperatorLimits { good[$0.name] ?? nil })?.contradictions(on: .here).map(\.detail) ?? []
        }
        let warnings = settings.warnings
        if json {
            Terminal.emit([
                "config": .string(settings.file?.path ?? ""), "settings": .array(shown.map(\.json)), "faults": .array(faults.map { .string($0) }),
                "warnings": .array(warnings.map { .string($0) }),
            ])
        } else {
            Terminal.say(settings.file.map { "config file: \($0.path)" } ?? "config file: none; write one with: adit config init")
            for line in shown.flatMap(\.lines) { Terminal.say(line) }
            for warning in warnings { Terminal.complain("warning: \(warning)") }
            for fault in faults { Terminal.complain("mistake: \(fault)") }
        }
        if !faults.isEmpty { throw ExitCode(1) }
    }
}

/// A setting with all that was said about it.
struct ShownSetting {
    let setting: Setting
    /// Every place that says something, the one that counts first.
    let layers: [Settings.Found]

    init(_ setting: Setting, _ settings: Settings, _ flag: String?) {
        self.setting = setting
        layers = settings.layers(setting.name, flag)
    }

    /// What is wrong with the value that counts.
    var fault: String? {
        guard let first = layers.first else { return nil }
        do throws(Problem) {
            try setting.check(first.value)
            return nil
        } catch {
            return "\(first.origin): \(error.detail)"
        }
    }

    /// A value as it may be shown: neither what should be the path of a secret and isn't, nor a URL's password.
    private func shown(_ value: String) -> String {
        if setting.kind == .secretFile, !FileManager.default.fileExists(atPath: value) { return "*** (no such file)" }
        return setting.masked(value)
    }

    private var value: String { layers.first.map { shown($0.value) } ?? setting.standard ?? setting.standardText }
    private var origin: String { layers.first?.origin.description ?? "default" }

    /// At most 80 columns where the value allows it.
    var lines: [String] {
        let name = setting.key.padded(28)
        let first = value.count <= 30 ? ["\(name) \(value.padded(30)) \(origin)"] : ["\(name) \(value)", "\("".padded(28)) \("".padded(30)) \(origin)"]
        return first + layers.dropFirst().map { "\("".padded(28)) instead of \(shown($0.value)) in \($0.origin)" }
    }

    var json: JSON {
        [
            "name": .string(setting.name), "value": .string(value), "from": .string(origin), "is_default": .bool(layers.isEmpty),
            "is_live": .bool(setting.isLive),
            "instead_of": .array(layers.dropFirst().map { ["value": .string(shown($0.value)), "from": .string($0.origin.description)] }),
        ]
    }
}

extension String {
    /// Filled up with spaces.
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
