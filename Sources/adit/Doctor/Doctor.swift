import ChainClient
import Foundation
import Operations
import Wire

/// Looks at everything that a miner needs, one thing after the other; what fails in one check keeps none of the others from being made.
enum Doctor {
    /// - Parameter config: from `--config`.
    static func examine(config: String?, passphraseFile: String?, isInsecure: Bool) async -> (findings: [Finding], context: DoctorContext?) {
        var findings: [Finding] = []
        var settings: Settings?
        do throws(Problem) { settings = try Settings(configFile: config, strict: false) } catch {
            let path =
                config ?? ProcessInfo.processInfo.environment[Setting.config.name] ?? (FileManager.default.fileExists(atPath: "adit.conf") ? "adit.conf" : nil)
            findings.append(ConfigChecks.unreadable(error, configPath: error.detail.hasPrefix(".env") ? nil : path))
            // What the environment says can be judged all the same.
            var environment = ProcessInfo.processInfo.environment
            environment[Setting.config.name] = nil
            settings = try? Settings(environment: environment, folder: "/nonexistent")
        }
        guard let settings else { return (findings, nil) }
        let context = DoctorContext(settings: settings, passphraseFile: passphraseFile, isInsecure: isInsecure)
        if findings.isEmpty { findings = ConfigChecks.findings(context) }
        findings += KeyChecks.findings(context)
        findings += DiskChecks.findings(context)
        findings += LimitChecks.findings()
        let http = try? HTTPClient(maxConnections: 4)
        defer { http?.close() }
        findings += await PortChecks.findings(context, http)
        findings += await LibraryChecks.findings(context)
        findings += EnvironmentChecks.findings(context)
        findings += await DriverChecks.findings(context)
        findings += SensorChecks.findings(context)
        if let http { findings += await NetworkChecks(context, http).findings() }
        return (findings, context)
    }
}
