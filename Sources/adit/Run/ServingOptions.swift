import ArgumentParser
import Foundation
import HTTPServing
import Operations
import Wire

/// What callers of a public listener may ask for: the options that node and coordinator share.
struct ServingOptions: ParsableArguments {
    @Option(
        name: .customLong("rate-per-address"),
        help: "Requests a second of one address of another machine, five times as many at once; 0: any number (HTTP_RATE_PER_ADDRESS).")
    var ratePerAddress: Int?
    @Option(name: .customLong("max-connections"), help: "Open connections in all (HTTP_CONNECTIONS).") var connections: Int?
    @Option(
        name: .customLong("max-connections-per-address"), help: "Open connections of one address of another machine (HTTP_CONNECTIONS_PER_ADDRESS).")
    var connectionsPerAddress: Int?
    @Option(
        name: .customLong("min-bytes-per-second"),
        help: "A body that comes in, or an answer that is taken, slower than this over 30 seconds is cut off (HTTP_MIN_BYTES_PER_SECOND).")
    var minBytesPerSecond: Int?

    /// What was given, by the setting's name.
    var flags: [String: String] {
        Setting.values(
            (.ratePerAddress, ratePerAddress.map(String.init)), (.connections, connections.map(String.init)),
            (.connectionsPerAddress, connectionsPerAddress.map(String.init)), (.minBytesPerSecond, minBytesPerSecond.map(String.init)))
    }

    /// The listener's limits, each checked against its range and the connections against what the process may open.
    ///
    /// - Throws: `wrong_usage`.
    func limits(_ settings: Settings) throws(Problem) -> HTTPServer.Limits {
        var limits = HTTPServer.Limits()
        Self.set(&limits.rates.address, try settings.rate(.ratePerAddress, ratePerAddress), burst: 5)
        let room = OpenFiles.raise() - OpenFiles.reserve
        limits.connections.maximum = try settings.integer(.connections, connections, default: max(64, min(Setting.connections.standardInteger, room)))
        let maximum = limits.connections.maximum
        guard maximum <= room || settings.given(.connections, connections.map(String.init)) == nil else {
            throw Problem(
                .wrongUsage,
                "HTTP_CONNECTIONS is \(maximum), but this process may open \(room + OpenFiles.reserve) files; allow \(maximum + OpenFiles.reserve) (LimitNOFILE= of systemd, or ulimit -n), or take fewer"
            )
        }
        limits.connections.maximumPerPeer = try settings.integer(
            .connectionsPerAddress, connectionsPerAddress, in: 1...maximum, default: min(Setting.connectionsPerAddress.standardInteger, maximum))
        limits.connections.throughput.bytesPerSecond = try settings.integer(.minBytesPerSecond, minBytesPerSecond)
        return limits
    }

    /// - Parameters:
    ///   - perSecond: nil leaves the rate as it is, 0 lifts it.
    ///   - burst: seconds' worth that may come at once.
    static func set(_ rate: inout Rate, _ perSecond: Int?, burst: Double) {
        guard let perSecond else { return }
        rate = perSecond == 0 ? .unlimited : Rate(perSecond: Double(perSecond), burst: Double(perSecond) * burst)
    }
}

/// What those may ask for whose signature holds: a service that takes signed requests has this, too.
struct SignerOptions: ParsableArguments {
    @Option(
        name: .customLong("rate-per-key"), help: "Signed requests a second of one key, twice as many at once; 0: any number (HTTP_RATE_PER_KEY).")
    var ratePerKey: Int?

    /// Throws `wrong_usage`.
    func set(_ rates: inout RateLimits, _ settings: Settings) throws(Problem) {
        ServingOptions.set(&rates.key, try settings.rate(.ratePerKey, ratePerKey), burst: 2)
    }
}

extension Settings {
    /// Requests a second; nil where nothing is set. Throws `wrong_usage`.
    func rate(_ setting: Setting, _ flag: Int?) throws(Problem) -> Int? {
        guard given(setting, flag.map(String.init)) != nil else { return nil }
        return try integer(setting, flag)
    }
}

/// How many files, sockets among them, this process may have open.
enum OpenFiles {
    /// What a service needs besides its connections: databases, blobs, its own calls.
    static let reserve = 512

    /// Takes all that the system allows, as programs that don't use `select` may, and says how many that is.
    static func raise() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
