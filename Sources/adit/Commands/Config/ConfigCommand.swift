import ArgumentParser
import Foundation
import Operations
import Wire

/// Settings: where they stand, what they are, and a file of them.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Write a config file, check one, or see where each value comes from.",
        subcommands: [ConfigInit.self, ConfigShow.self, ConfigCheck.self, ConfigDocument.self])
}

extension Setting.Service: ExpressibleByArgument {}

struct ConfigInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a config file with every setting of a service, its range and its default, as comments.")

    @Argument(help: "Where it goes; - for standard output.") var file = "./adit.conf"
    @Option(help: "Whose settings: miner, coordinator, node or client; may be repeated.") var service: [Setting.Service] = [.miner]
    @Option(help: "An older config file, also one in JSON, whose values are taken over.") var from: String?

    func run() throws {
        var values: [String: String] = [:]
        if let from {
            let old = try ConfigFile.load(from)
            if let problem = old.problem { throw problem }
            values = old.values.mapValues(\.value).filter { !$0.value.isEmpty }
        }
        let text = try SettingDocuments.config(for: Set(service), values: values)
        if file == "-" { return Terminal.say(String(text.dropLast())) }
        guard !FileManager.default.fileExists(atPath: file) else { throw Problem(.badRequest, "\(file) exists and is not overwritten; give another name") }
        try Files.makeFolder((file as NSString).deletingLastPathComponent)
        try Files.write(Array(text.utf8), to: file)
        Terminal.say("\(file) written; every line of it is a comment until you change it." + (values.isEmpty ? "" : " \(values.count) values were taken over."))
        Terminal.say("Look for mistakes with: adit config check \(file)")
    }
}

struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look for mistakes in a config file: unknown names, bad values, limits that contradict each other.",
        discussion: "Exit code 1 if there are any.")

    @Argument(help: "The file; the one that a service would use where not given.", completion: .file()) var file: String?

    func run() throws {
        let path: String
        if let file { path = file } else { path = try Settings(strict: false).configPath }
        let config = try ConfigFile.load(path)
        let mistakes = ConfigFaults.all(config)
        for mistake in mistakes { Terminal.complain(mistake) }
        guard mistakes.isEmpty else { throw ExitCode(1) }
        let count = config.values.values.filter { !$0.value.isEmpty }.count
        Terminal.say("\(path): \(count == 1 ? "1 setting" : "\(count) settings"), no mistakes")
    }
}

/// Everything that can be said against a config file by itself.
enum ConfigFaults {
    static func all(_ config: ConfigFile) -> [String] {
        var faults = config.faults.map(\.detail)
        var bad: Set<String> = []
        for setting in Setting.all {
            guard let entry = config.values[setting.name], !entry.value.isEmpty else { continue }
            do throws(Problem) {
                try setting.check(entry.value)
            } catch {
                bad.insert(setting.name)
                faults.append("\(entry.place): \(error.detail)")
            }
        }
        // Among those that can be read.
        let limits = try? OperatorLimits { setting in
            bad.contains(setting.name) ? nil : config.values[setting.name].flatMap { $0.value.isEmpty ? nil : $0.value }
        }
        faults += (limits?.contradictions(on: .here) ?? []).map { "\(config.path): \($0.detail)" }
        return faults
    }
}

extension MachineBounds {
    /// Of this process, from what the kernel tells it.
    static var here: MachineBounds {
        var limits = OperatorLimits()
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        if let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }) {
            try? limits.set(.cores, line.dropFirst("Cpus_allowed_list:".count).trimmingCharacters(in: .whitespaces))
        }
        return MachineBounds(processors: limits.cores)
    }
}

/// Writes the documents that are made from the table of settings, for those who change it.
struct ConfigDocument: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "document", abstract: "Print .env.example (env) or the table of PROTOCOL section 13 (table).", shouldDisplay: false)

    enum Kind: String, CaseIterable, ExpressibleByArgument { case env, table }
    @Argument(help: "env or table.") var kind: Kind

    func run() {
        Terminal.say(String((kind == .env ? SettingDocuments.environmentExample : SettingDocuments.protocolTable).dropLast()))
    }
}
