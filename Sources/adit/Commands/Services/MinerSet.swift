import ArgumentParser
import Foundation
import Operations
import Wire

struct MinerSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change settings in the config file; a running miner takes up its limits within seconds.",
        discussion: """
            adit miner set temperature=70 schedule="mon-fri 18:00-08:00" changes two lines and leaves all others, comments among them, as they are; \
            temperature= takes the line away, so that the default counts again. Nothing is written if one of the values is wrong. \
            adit config init writes a file, adit config show says what is in force.
            """)

    @Argument(
        help: "NAME=VALUE, such as temperature=70; may be repeated.",
        completion: .list(Setting.all.filter { $0.services.contains(.miner) && $0.isInConfigFile }.map { "\($0.shortKey)=" }))
    var changes: [String]
    @Option(help: "The config file; ./adit.conf where not given (ADIT_CONFIG).", completion: .file()) var config: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let wanted = try changes.map { (text) throws(Problem) in try Self.change(text) }
        let path = try Settings(configFile: config, strict: false).configPath
        guard FileManager.default.fileExists(atPath: path) else {
            throw Problem(.ioFailed, "\(path) is not there: say which file the miner uses with --config FILE, or write one with: adit config init \(path)")
        }
        let (before, after) = try Files.exclusively(path) { () throws(Problem) in
            let before = try Settings(configFile: path)
            let text = try Self.edited(before, wanted)
            if text.text != before.file?.text?.text { try Files.replace(Array(text.text.utf8), at: path) }
            return (before, before.replacing(text))
        }
        report(path, wanted, before, after)
    }

    /// NAME=VALUE with a miner's setting; a value of nil takes the line away.
    private static func change(_ text: String) throws(Problem) -> (setting: Setting, value: String?) {
        guard let equals = text.firstIndex(of: "=") else { throw Problem(.badRequest, "\(text.prefix(64)) is not NAME=VALUE") }
        let name = text[..<equals].trimmingCharacters(in: .whitespaces).replacing("-", with: "_").uppercased()
        guard let setting = Setting.named("MINER_\(name)") ?? Setting.named(name), setting.services.contains(.miner), setting.isInConfigFile else {
            let near = SettingNames.nearest(to: name).flatMap { $0.services.contains(.miner) ? $0 : nil }
            throw Problem(.unknownField, "the miner has no setting \"\(name.lowercased().prefix(64))\"\(near.map { "; did you mean \($0.shortKey)?" } ?? "")")
        }
        let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        if !value.isEmpty { try setting.check(value) }
        return (setting, value.isEmpty ? nil : value)
    }

    /// The file's text with the changes. Throws what would keep a miner from taking it.
    private static func edited(_ settings: Settings, _ changes: [(setting: Setting, value: String?)]) throws(Problem) -> ConfigText {
        guard let file = settings.file, var text = file.text else {
            throw Problem(
                .badRequest,
                "\(settings.configPath) is JSON, which is not changed in place; write a new file with: adit config init --from \(settings.configPath)")
        }
        for change in changes { try text.set(change.setting, to: change.value) }
        let limits = try LimitSettings.limits(settings.replacing(text))
        if let contradiction = limits.contradictions(on: .here).first { throw contradiction }
        return text
    }

    private func report(_ path: String, _ changes: [(setting: Setting, value: String?)], _ before: Settings, _ after: Settings) {
        func value(_ settings: Settings, _ setting: Setting) -> String {
            let text = settings.file?.values[setting.name]?.value ?? ""
            return text.isEmpty ? "default (\(setting.standard ?? setting.standardText))" : text
        }
        let rows = changes.map { (setting: $0.setting, old: value(before, $0.setting), new: value(after, $0.setting)) }
        if json {
            return Terminal.emit([
                "config": .string(path),
                "changes": .array(
                    rows.map { ["name": .string($0.setting.shortKey), "old": .string($0.old), "new": .string($0.new), "is_live": .bool($0.setting.isLive)] }),
            ])
        }
        for row in rows {
            let note = row.old == row.new ? ", as before" : row.setting.isLive ? "" : ", taken up at the next start"
            Terminal.say("\(row.setting.shortKey): \(row.old) -> \(row.new)\(note)")
            // Seen from here; the miner's own environment may be another one.
            if let first = after.layers(row.setting.name, nil).first, first.origin != .file(after.file?.values[row.setting.name]?.place ?? "") {
                Terminal.complain("adit: warning: \(row.setting.name) is set in \(first.origin) too, which goes before \(path)")
            }
        }
    }
}
