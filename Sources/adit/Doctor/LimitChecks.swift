import Foundation
import Operations

/// What the system lets this process have: open files, locked memory.
enum LimitChecks {
    /// The miner's 64 connections, those to its local API, its database and the files of jobs, four times over.
    private static let files = 1024
    /// Keys and passphrases take a page each; a miner opens one of each.
    private static let lockedBytes = 65_536

    static func findings() -> [Finding] {
        var findings: [Finding] = []
        let open = limit(RLIMIT_NOFILE)
        if open.hard < UInt64(files) {
            findings.append(
                .broken(
                    .limits, "this process may open \(open.hard) files at most", wanted: "\(files) at least",
                    why: "connections and files of jobs fail one by one",
                    remedy: mayRaise
                        ? "ulimit -n \(4 * files)"
                        : "sudo prlimit --pid $$ --nofile=\(4 * files):\(4 * files) # systemd: LimitNOFILE=; container: --ulimit nofile="))
        } else {
            findings.append(.well(.limits, open.hard > 1 << 40 ? "any number of open files" : "\(open.hard) open files"))
        }
        let locked = limit(__RLIMIT_MEMLOCK)
        if locked.soft < UInt64(lockedBytes), geteuid() != 0 {
            findings.append(
                .note(
                    .limits, "this process may lock \(locked.soft) bytes of memory", wanted: "\(lockedBytes) at least", why: "keys may be written to swap",
                    remedy: locked.hard >= UInt64(lockedBytes) ? "ulimit -l \(lockedBytes / 1024)" : "LimitMEMLOCK=1M in the unit, or /etc/security/limits.conf"
                ))
        }
        return findings
    }

    /// Whether this process has CAP_SYS_RESOURCE, the 24th of capabilities(7): root has it, in many containers it hasn't.
    private static var mayRaise: Bool {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let mask = line.flatMap { UInt64($0.dropFirst("CapEff:".count).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
        return mask >> 24 & 1 == 1
    }

    private static func limit(_ resource: __rlimit_resource) -> (soft: UInt64, hard: UInt64) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return (.max, .max) }
        return (UInt64(limit.rlim_cur), UInt64(limit.rlim_max))
    }
}
