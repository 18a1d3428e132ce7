package import Wire

/// One setting of a service, with all that is known about it.
///
/// `Setting.all` is the only list: `.env.example`, the table in PROTOCOL section 13, `adit config init|show|check`, the defaults and the
/// ranges that the program uses and the suggestion for a misspelt name are all made from it.
package struct Setting: Sendable {
    /// Who reads it.
    package enum Service: String, CaseIterable, Sendable {
        case node, coordinator, miner, client
    }

    /// Its name in the environment and in `.env`: `MINER_THREADS`.
    package let name: String
    package let services: [Service]
    package let kind: SettingKind
    /// What counts where nothing is said, as it would be written; nil where there is no such text.
    package let standard: String?
    /// The default in words, where `standard` doesn't say it: `all`, `the key's address`.
    package let standardWords: String?
    /// What it is, in a sentence or two for people. Without range and default, which are added from here.
    package let help: String
    /// Whether a running service takes up a change of the config file.
    package let isLive: Bool
    /// Where it may stand: the config file can't say where it lies itself.
    package let isInConfigFile: Bool

    init(
        _ name: String, _ services: [Service], _ kind: SettingKind, _ standard: String? = nil, words: String? = nil, live: Bool = false,
        inConfigFile: Bool = true, _ help: String
    ) {
        (self.name, self.services, self.kind, self.standard, standardWords) = (name, services, kind, standard, words)
        (self.help, isLive, isInConfigFile) = (help, live, inConfigFile)
    }

    /// Its name in a config file: `miner_threads`.
    package var key: String { name.lowercased() }

    /// Its name for `adit miner set`, without the service: `threads`. The whole key where it isn't the miner's own.
    package var shortKey: String { key.hasPrefix("miner_") ? String(key.dropFirst(6)) : key }

    /// The default as documents give it.
    package var standardText: String { standardWords ?? standard ?? "none" }

    /// The default as a number; 0 where there is none, or it isn't one.
    package var standardInteger: Int { standard.flatMap { Int($0) } ?? 0 }

    /// Refuses a text that is no value of this setting: says what it must be and gives an example. Throws `out_of_range`.
    package func check(_ text: String) throws(Problem) {
        guard let fault = kind.fault(text) else { return }
        let example = kind.range.contains("such as") ? "" : ", such as \(kind.example)"
        throw Problem(.outOfRange, "\(name) is \"\(masked(text).prefix(128))\"; it must be \(kind.range)\(example)\(fault.isEmpty ? "" : " (\(fault))")")
    }

    /// A value as it may be shown: without a URL's user and password.
    package func masked(_ value: String) -> String {
        guard kind == .url, let at = value.lastIndex(of: "@") else { return value }
        guard let scheme = value[..<at].firstRange(of: "://") else { return "***" + value[at...] }
        return value[..<scheme.upperBound] + "***" + value[at...]
    }

    package static func named(_ name: String) -> Setting? { byName[name] }

    private static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
