import Foundation
import Logging
import Operations
import Wire

/// Where a value comes from, in the order of PROTOCOL section 13: command line, environment, `.env`, config file, default.
///
/// Hand-written: swift-configuration falls back to the default where a value can't be read, and tells nobody of a misspelt
/// key in a file. Both would be silent mistakes with somebody's money.
struct Settings {
    /// A value and the place it was found at.
    struct Found {
        let value: String
        let origin: Origin
    }

    enum Origin: Equatable, CustomStringConvertible {
        case flag, environment
        /// `.env:3`, `adit.conf:12`.
        case file(String)

        var description: String {
            switch self {
            case .flag: "command line"
            case .environment: "environment"
            case .file(let place): place
            }
        }
    }

    private let environment: [String: String]
    private let dotEnv: DotEnv
    /// The config file that is used; nil where there is none.
    private(set) var file: ConfigFile?
    /// Where it lies, or would lie.
    let configPath: String
    /// The `.env` file's place, whether there is one or not.
    let dotEnvPath: String

    /// What the config file looked like before it was read.
    let signature: FileSignature?

    /// - Parameters:
    ///   - configFile: from `--config`; nil: `ADIT_CONFIG`'s, else `adit.conf` in `folder` if there is one.
    ///   - folder: where `.env` and `adit.conf` are looked for.
    ///   - strict: whether mistakes in the config file are thrown, all of them at once. Otherwise they stand in `file.faults`.
    /// - Throws: `wrong_usage` for a file that can't be used as it is: unknown or double keys, what is no config file, one that can't be read.
    init(
        configFile: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment, folder: String = ".", strict: Bool = true
    ) throws(Problem) {
        self.environment = environment
        let dotEnvPath = folder == "." ? ".env" : folder + "/.env"
        let dotEnv = try Self.usable { () throws(Problem) in try DotEnv.load(dotEnvPath) }
        (self.dotEnvPath, self.dotEnv) = (dotEnvPath, dotEnv)
        let usual = folder == "." ? "adit.conf" : folder + "/adit.conf"
        let named = [configFile, environment[Setting.config.name], dotEnv.values[Setting.config.name]?.value].lazy.compactMap { $0 }.first { !$0.isEmpty }
        let configPath = named ?? usual
        self.configPath = configPath
        signature = FileSignature(configPath)
        file =
            named != nil || FileManager.default.fileExists(atPath: usual)
            ? try Self.usable { () throws(Problem) in try ConfigFile.load(configPath) } : nil
        if strict, let file, let problem = file.problem { throw Problem(.wrongUsage, problem.detail) }
    }

    /// A fault of what somebody wrote, whatever it is, is wrong usage: the program ends with exit code 2, and systemd doesn't start it again.
    private static func usable<Value>(_ body: () throws(Problem) -> Value) throws(Problem) -> Value {
        do throws(Problem) { return try body() } catch { throw Problem(.wrongUsage, error.detail) }
    }

    /// Refuses a text that is no value of the setting. Throws `wrong_usage`, which names the option where the text was typed as one.
    func check(_ setting: Setting, _ text: String, isTyped: Bool) throws(Problem) {
        do throws(Problem) {
            try setting.check(text)
        } catch {
            var detail = error.detail
            if isTyped, let option = Self.option(text), detail.hasPrefix(setting.name) { detail = option + detail.dropFirst(setting.name.count) }
            throw Problem(.wrongUsage, detail)
        }
    }

    /// The option of the command line that was given this value, as it was typed.
    private static func option(_ value: String, among arguments: [String] = CommandLine.arguments) -> String? {
        for (place, word) in arguments.enumerated() where word.hasPrefix("--") {
            if place + 1 < arguments.count, arguments[place + 1] == value { return word }
            if word.hasSuffix("=" + value) { return String(word.dropLast(value.count + 1)) }
        }
        return nil
    }

    /// The chain's name. Throws `wrong_usage` for what is none.
    func chain(_ flag: String?) throws(Problem) -> ChainID {
        let text = text(.chainID, flag)
        try check(.chainID, text, isTyped: flag != nil)
        return try ChainID(text)
    }

    /// Every place that says something other than nothing, the one that counts first.
    func layers(_ name: String, _ flag: String?) -> [Found] {
        let places: [(String?, Origin)] = [
            (flag, .flag), (environment[name], .environment),
            (dotEnv.values[name]?.value, .file("\(dotEnvPath):\(dotEnv.values[name]?.line ?? 0)")),
            (file?.values[name]?.value, .file(file?.values[name]?.place ?? "")),
        ]
        return places.compactMap { value, origin in value.flatMap { $0.isEmpty ? nil : Found(value: $0, origin: origin) } }
    }

    /// The value of `name`; an empty one counts as absent.
    func text(_ name: String, _ flag: String?) -> String? { layers(name, flag).first?.value }

    func text(_ name: String, _ flag: String?, default value: String) -> String { text(name, flag) ?? value }

    /// What somebody said; nil where nobody did.
    func given(_ setting: Setting, _ flag: String? = nil) -> String? { text(setting.name, flag) }

    /// What somebody said, or the default: of a setting that has one.
    func text(_ setting: Setting, _ flag: String? = nil) -> String { given(setting, flag) ?? setting.standard ?? "" }

    /// Throws `wrong_usage` for anything but an integer in the setting's range: never the default instead.
    ///
    /// - Parameters:
    ///   - range: where it hangs on other settings, too.
    ///   - value: a default that hangs on the machine; nil: the setting's own.
    func integer(_ setting: Setting, _ flag: Int? = nil, in range: ClosedRange<Int>? = nil, default value: Int? = nil) throws(Problem) -> Int {
        guard let text = given(setting, flag.map(String.init)) else { return value ?? setting.standardInteger }
        try check(setting, text, isTyped: flag != nil)
        guard let number = Int(text), range?.contains(number) != false else {
            let limits = range.map { " in \($0.lowerBound)...\($0.upperBound)" } ?? ""
            throw Problem(.wrongUsage, "\(setting.name) is \"\(text)\"; it must be an integer\(limits)")
        }
        return number
    }

    /// Those of `names` that are set anywhere, for a service that reads a small environment of its own.
    func named(_ names: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: names.compactMap { name in text(name, nil).map { (name, $0) } })
    }

    /// The parameters that a genesis takes from the settings, and that a running node's settings must agree with.
    var chainParameters: [String: String] { named([Setting.mintPerUnit.name, Setting.coordinatorRatio.name]) }

    /// The same with another text in the config file.
    func replacing(_ text: ConfigText) -> Settings {
        var settings = self
        settings.file = ConfigFile(path: configPath, text: text)
        return settings
    }

    /// Variables that look like settings and are none: worth a word, and no reason not to start.
    var warnings: [String] {
        SettingNames.warnings(
            environment.keys.map { ($0, "the environment") } + dotEnv.values.map { ($0.key, "\(dotEnvPath):\($0.value.line)") })
    }

    /// Checks every value of a service before it starts, and throws all that is wrong as one problem: `wrong_usage`.
    func check(_ service: Setting.Service, flags: [String: String]) throws(Problem) {
        var faults: [Problem] = []
        for setting in Setting.all where setting.services.contains(service) {
            guard let value = given(setting, flags[setting.name]) else { continue }
            do throws(Problem) { try check(setting, value, isTyped: flags[setting.name] != nil) } catch { faults.append(error) }
        }
        if !faults.isEmpty { throw Problem(.wrongUsage, faults.map(\.detail).joined(separator: "; ")) }
    }

    /// Says at a service's start which file counts and what looks misspelt.
    func report(to logger: Logger) {
        if let file { logger.info("config", metadata: ["file": "\(file.path)", "settings": "\(file.values.count)"]) }
        for warning in warnings { logger.warning("setting_unknown", metadata: ["note": "\(warning)"]) }
    }
}

extension Setting {
    /// Options that were given, by the setting's name.
    static func values(_ options: (Setting, String?)...) -> [String: String] {
        Dictionary(options.compactMap { setting, value in value.map { (setting.name, $0) } }, uniquingKeysWith: { $1 })
    }
}
