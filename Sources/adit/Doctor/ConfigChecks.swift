import Foundation
import Operations
import Wire

/// The settings: names nobody knows, values that can't be, limits that exclude each other.
enum ConfigChecks {
    static func findings(_ context: DoctorContext) -> [Finding] {
        let settings = context.settings
        var findings = settings.file.map { faults($0) } ?? []
        var good: [String: String] = [:]
        for setting in Setting.all where !Set(setting.services).isDisjoint(with: [.miner, .client]) {
            guard let layer = settings.layers(setting.name, nil).first else { continue }
            do throws(Problem) {
                try setting.check(layer.value)
                good[setting.name] = layer.value
            } catch {
                findings.append(
                    .broken(
                        .config, "\(layer.origin): \(error.detail)", wanted: "\(setting.name): \(setting.kind.range)",
                        why: "a value that can't be read is never replaced by a guess: the miner does not start",
                        remedy: context.unset(setting) ?? "correct \(layer.origin)"))
            }
        }
        if let limits = try? OperatorLimits(settings: { good[$0.name] }) { findings += contradictions(limits, context) }
        for warning in settings.warnings {
            findings.append(
                .note(.config, warning, wanted: "names of settings", why: "what it says has no effect", remedy: "rename it; the names: adit config show"))
        }
        guard findings.isEmpty else { return findings }
        return [
            .well(
                .config,
                settings.file.map { "\($0.path) and the environment are read without a mistake" } ?? "no config file; the environment is read without a mistake"
            )
        ]
    }

    /// Where the settings can't be read at all.
    static func unreadable(_ problem: Problem, configPath: String?) -> Finding {
        let place = problem.detail.split(separator: " ").first.map(String.init) ?? ""
        let line = DoctorContext.comment(place.hasSuffix(":") ? String(place.dropLast()) : place)
        return .broken(
            .config, problem.detail, wanted: "a config file and a .env file that can be read", why: "no service starts with settings it can't read",
            remedy: line ?? (configPath.map { "mv \(Shell.quoted($0)) \(Shell.quoted($0 + ".damaged")) && adit config init" } ?? "mv .env .env.damaged"))
    }

    private static func faults(_ file: ConfigFile) -> [Finding] {
        guard let text = file.text else {
            return file.faults.map {
                .broken(
                    .config, $0.detail, wanted: "names and values as adit config show lists them", why: "a misspelt name would leave a limit out in silence",
                    remedy: "mv \(Shell.quoted(file.path)) \(Shell.quoted(file.path + ".damaged")) && adit config init")
            }
        }
        let lines = text.text.split(separator: "\n", omittingEmptySubsequences: false)
        return text.faults.map { fault in
            var remedy = DoctorContext.comment("\(file.path):\(fault.line)")
            let key = lines.indices.contains(fault.line - 1) ? lines[fault.line - 1].prefix { $0 != "=" }.trimmingCharacters(in: .whitespaces) : ""
            let isName = !key.isEmpty && key.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D }
            if fault.problem.code == .unknownField, isName, let meant = SettingNames.nearest(to: key) {
                remedy = "sed -i '\(fault.line)s/\(key)/\(meant.key)/' \(Shell.quoted(file.path))"
            }
            return .broken(
                .config, "\(file.path):\(fault.line): \(fault.problem.detail)", wanted: "names and values as adit config show lists them",
                why: "a misspelt name would leave a limit out in silence: the miner does not start", remedy: remedy ?? "adit config check")
        }
    }

    private static func contradictions(_ limits: OperatorLimits, _ context: DoctorContext) -> [Finding] {
        limits.contradictions(on: .here).map { problem in
            // The sentence begins with the limit that has to give way.
            let name = String(problem.detail.prefix { $0 != " " })
            let setting = Setting.limits.first { $0.shortKey == name }
            return .broken(
                .config, problem.detail, wanted: "limits that can be kept together",
                why: "one of the two can't be kept: a miner starts with a warning, and takes no change of its limits while that is so",
                remedy: setting.flatMap { context.unset($0) } ?? "adit miner set \(name)=off")
        }
    }
}
