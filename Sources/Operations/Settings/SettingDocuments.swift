package import Wire

/// The documents that are made from the table of settings.
package enum SettingDocuments {
    /// `.env.example`: every setting, as comments.
    package static var environmentExample: String {
        let head = """
            Settings of Adit's services. Copy to .env in the folder the program is started in, and keep what you change.

            Order: command line, environment, .env, config file (--config, ADIT_CONFIG or ./adit.conf; `adit config init` writes one), default. A value \
            that can't be read is an error. An empty one counts as absent. Values may stand in double quotes; a # begins a comment only at the start \
            of a line. What stands here commented out is the default; nothing behind the = means that there isn't one. Live: a running miner takes it \
            up from its config file.

            A public bind is a deliberate act: the defaults are all on loopback. `adit config document env` writes this file.
            """
        return comment(head, width: 128) + sections(Setting.groups, width: 128) { "\($0.name)=\($0.standard ?? "")" }
    }

    /// A config file of these services with every value that somebody chose, and all others as comments with their defaults.
    ///
    /// - Throws: `out_of_range` for a value that no line can hold.
    package static func config(for services: Set<Setting.Service>, values: [String: String] = [:]) throws(Problem) -> String {
        let head = """
            Settings of Adit: \(Setting.Service.allCases.filter(services.contains).map(\.rawValue).joined(separator: ", ")).

            name = value; a # begins a comment. What is commented out is the default. The command line, the environment and .env go before this file. \
            Live: a running miner takes up a change within seconds. See where each value comes from with: adit config show. Look for mistakes with: \
            adit config check.
            """
        var chosen: [String: String] = [:]
        for (name, value) in values { chosen[name] = try ConfigLine.written(value, name.lowercased()) }
        let groups = Setting.groups.map { group in
            (group.title, group.settings.filter { $0.isInConfigFile && (!services.isDisjoint(with: $0.services) || values[$0.name] != nil) })
        }
        return comment(head, width: 78)
            + sections(groups.filter { !$0.1.isEmpty }, width: 78) {
                "\($0.key) = \($0.standard ?? "")"
            } chosen: { setting in
                chosen[setting.name].map { "\(setting.key) = \($0)" }
            }
    }

    /// The rows of PROTOCOL section 13.
    package static var protocolTable: String {
        let rows = Setting.all.map { setting in
            let readers = setting.services.count == Setting.Service.allCases.count ? "all" : setting.services.map(\.rawValue).joined(separator: ", ")
            let standard = setting.standardWords ?? setting.standard.map { "`\($0)`" } ?? "none"
            let range = escaped(setting.kind.range)
            return "| `\(setting.name)` | \(escaped(standard)) | \(readers) | \(escaped(setting.help)) Value: \(range)\(setting.isLive ? "; live" : "") |"
        }
        return (["| name | default | read by | meaning and range |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }

    private static func sections(
        _ groups: [(title: String, settings: [Setting])], width: Int, line: (Setting) -> String, chosen: (Setting) -> String? = { _ in nil }
    ) -> String {
        groups.map { group in
            let rule = "# --- \(group.title) "
            let entries = group.settings.map { setting in
                let range = setting.kind == .reserved ? "" : " Value: \(setting.kind.range)."
                let words = setting.standardWords.map { " Default: \($0)." } ?? ""
                let own = chosen(setting).map { $0 + "\n" } ?? ""
                return comment(setting.help + range + words + (setting.isLive ? " Live." : ""), width: width) + "#\(line(setting))\n" + own
            }
            let title = rule + String(repeating: "-", count: max(3, width - rule.utf8.count))
            return "\n\(title)\n\n" + entries.joined(separator: "\n")
        }.joined()
    }

    /// Lines that begin with `# `, broken at spaces.
    private static func comment(_ text: String, width: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { $0.isEmpty ? ["#"] : $0.wrapped(first: "# ", rest: "# ", width: width) }
            .map { $0 + "\n" }.joined()
    }
}
