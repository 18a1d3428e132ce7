import Foundation
import Jobs
package import Kernels
package import Profiler
package import Wire

/// The last measurement of this machine, kept in the miner's folder so that a restart needn't measure for seconds.
///
/// It counts for a week, and only where hardware, libraries, threads and software are what was measured. A file that is torn, or
/// of another version, is as good as none.
package struct ProfileCache: Sendable {
    private let path: String
    private static let week: Int64 = 7 * 86_400

    /// - Parameter folder: the miner's.
    package init(folder: String) { path = "\(folder)/profile.json" }

    /// What the measured speeds hang on, as one hash.
    package static func fingerprint(_ machine: Machine, _ backends: [any ComputeBackend], blasCore: String?, softwareVersion: String) -> Digest {
        let described: JSON = [
            "cpu": .string(machine.cpu.model ?? ""), "isa": .array(machine.cpu.isa.map { .string($0) }), "cores": .integer(Int64(machine.cores)),
            "cache": .integer(Int64(machine.lastLevelCacheBytes ?? 0)), "memory": .integer(machine.memory.usableBytes ?? 0),
            "surroundings": .array(machine.surroundings.map { .string($0) }),
            "backends": .array(backends.map { .string("\($0.name) \($0.software)") }), "blas": .string(blasCore ?? ""), "version": .string(softwareVersion),
        ]
        return described.canonicalDigest
    }

    /// The measurement with this fingerprint, no older than a week at `now` (Unix seconds); nil if there is none.
    package func load(_ fingerprint: Digest, machine: Machine, now: Int64) -> Profiler.Outcome? {
        guard let data = FileManager.default.contents(atPath: path), data.count < 1 << 20 else { return nil }
        return try? Self.read(Array(data), fingerprint, machine, now)
    }

    private static func read(_ bytes: [UInt8], _ fingerprint: Digest, _ machine: Machine, _ now: Int64) throws(Problem) -> Profiler.Outcome {
        var fields = try JSONFields(try JSON.parse(bytes), "profile")
        _ = try fields.integer("version", in: 1...1)
        let body = try fields.value("measured")
        guard try fields.digest("hash") == body.canonicalDigest else { throw Problem(.badJSON, "the file is torn") }
        var measured = try JSONFields(body, "measured")
        let age = now - (try measured.integer("at"))
        guard try measured.digest("fingerprint") == fingerprint, (0...week).contains(age) else { throw Problem(.notFound, "of another time or machine") }
        let profile = try WorkerProfile(json: try measured.value("profile"))
        return Profiler.Outcome(
            machine: machine, bestBackend: try measured.optionalString("bestBackend", maxBytes: 64), f32FlopsPerSecond: speed(profile.f32FlopsPerSecond),
            memoryBytesPerSecond: speed(profile.memoryBytesPerSecond), tier: try Tier(name: try measured.string("tier", maxBytes: 32)), profile: profile,
            rates: try measured.optional("rates").map { (json) throws(Problem) in try RateTable(json: json) })
    }

    /// A profile writes 0 for what is not known.
    private static func speed(_ number: Int64) -> Double? { number > 0 ? Double(number) : nil }

    /// Keeps a measurement. That it can't be kept costs seconds at the next start, and nothing else.
    package func save(_ outcome: Profiler.Outcome, _ fingerprint: Digest, now: Int64) {
        var members: [(String, JSON)] = [
            ("at", .integer(now)), ("fingerprint", .string(fingerprint.hex)), ("tier", .string(outcome.tier.rawValue)), ("profile", outcome.profile.json),
        ]
        if let best = outcome.bestBackend { members.append(("bestBackend", .string(best))) }
        if let rates = outcome.rates { members.append(("rates", rates.json)) }
        let body = JSON.object(JSONObject(distinct: members))
        let file: JSON = ["version": 1, "measured": body, "hash": .string(body.canonicalDigest.hex)]
        try? Data(file.canonicalBytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
