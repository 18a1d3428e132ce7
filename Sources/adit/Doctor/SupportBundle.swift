import ChainClient
import Foundation
import HTTPServing
import Operations
import Wire

/// One text file for whoever is asked for help: findings, settings, system and the miner's own status. Every secret is taken out.
enum SupportBundle {
    /// Variables of the environment whose values help, beside the settings; of all others only the names are told.
    private static let shown = [
        "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OCL_ICD_VENDORS", "LD_LIBRARY_PATH", "POCL_CACHE_DIR", "LANG", "TZ", "PATH",
    ]

    static func text(_ findings: [Finding], _ context: DoctorContext?) async -> String {
        var parts = ["adit \(Version.text), support file", "", "# Findings", ""]
        parts += findings.flatMap(\.lines)
        if let context {
            parts += ["", "# Settings", ""]
            for setting in Setting.all { parts += ShownSetting(setting, context.settings, nil).lines }
        }
        parts += ["", "# Environment", ""]
        let environment = ProcessInfo.processInfo.environment
        for name in shown { if let value = environment[name] { parts.append("\(name)=\(value)") } }
        parts.append("also set: " + environment.keys.filter { !shown.contains($0) && Setting.named($0) == nil }.sorted().joined(separator: " "))
        parts += ["", "# System", ""]
        for path in ["/proc/version", "/etc/os-release", "/proc/self/limits", "/proc/self/cgroup", "/proc/loadavg", "/proc/pressure/memory", "/proc/meminfo"] {
            parts += ["\(path):", file(path), ""]
        }
        parts.append("/proc/cpuinfo:")
        parts += Set(file("/proc/cpuinfo").split(separator: "\n").filter { $0.hasPrefix("model name") || $0.hasPrefix("flags") }.map(String.init)).sorted()
        if let context {
            for path in ["/status", "/metrics"] { parts += ["", "# The miner's \(path)", "", await local(path, context)] }
        }
        return Redaction(secrets: secrets(context)).clean(parts.joined(separator: "\n")) + "\n"
    }

    /// Bounded: nothing of this is of any length on a healthy machine.
    private static func file(_ path: String) -> String {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: 1 << 16) else { return "can't be read" }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    private static func local(_ path: String, _ context: DoctorContext) async -> String {
        let limits = HTTPLimits(connect: .seconds(2), total: .seconds(3), answerBytes: 1 << 20)
        guard let bind = try? Bind(context.settings.text(.minerBind)), bind.port != 0, let base = try? BaseURL("http://\(bind)"), let http = try? HTTPClient()
        else { return "not asked" }
        defer { http.close() }
        do throws(Problem) {
            return String(decoding: try await http.send(HTTPRequest(.get, base, path: path, limits: limits)).checked().body, as: UTF8.self)
        } catch {
            return error.detail
        }
    }

    /// What this machine holds that nobody else may see: key files whole and their seeds, passphrases, tokens, and what stands in variables whose name
    /// says so.
    private static func secrets(_ context: DoctorContext?) -> [[UInt8]] {
        var secrets: [[UInt8]] = []
        var paths = ["data/miner.key"]
        if let context {
            paths += [Setting.passphraseFile, .adminTokenFile, .minerKey, .coordinatorKey, .proposerKey, .adminKey, .sponsorKey].compactMap {
                context.settings.given($0)
            }
            paths += [context.settings.text(.minerKey), "\(context.settings.text(.minerData))/token"]
            if let path = context.passphraseFile { paths.append(path) }
            // Should somebody have written the secret itself where its file's path belongs.
            for setting in Setting.all where setting.kind == .secretFile {
                if let value = context.settings.given(setting), !FileManager.default.fileExists(atPath: value) { secrets.append(Array(value.utf8)) }
            }
        }
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["CREDENTIALS_DIRECTORY"] { paths.append("\(folder)/\(KeyRing.credential)") }
        for path in paths {
            guard let bytes = try? Files.read(path, limit: 1 << 16) else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            secrets.append(Array(text.trimmingCharacters(in: .whitespacesAndNewlines).utf8))
            if let seed = (try? JSON.parse(bytes))?["seed"]?.stringValue { secrets += [Array(seed.utf8), Hex.decode(seed) ?? []] }
        }
        for (name, value) in environment where Redaction.isSecret(name: name) && Setting.named(name) == nil && value.utf8.count >= 6 {
            secrets.append(Array(value.utf8))
        }
        return secrets
    }
}
