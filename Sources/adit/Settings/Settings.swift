import Foundation
import Wire

/// Where a value comes from, in the order of PROTOCOL section 13: command line, environment, `.env`, config file, default.
///
/// Hand-written: swift-configuration falls back to the default where a value can't be read, and tells nobody of a misspelt
/// key in a file. Both would be silent mistakes with somebody's money.
struct Settings {
    private let environment: [String: String]
    private let dotEnv: [String: String]
    private let file: [String: String]

    /// Every name that a config file may hold, in lower case there.
    static let names: Set<String> = [
        "CHAIN_ID", "DB_PATH", "P2P_BIND", "RPC_BIND", "BOOTSTRAP_PEERS", "PROPOSER_KEY", "GENESIS", "MINT_PER_UNIT", "COORDINATOR_RATIO", "LOG_LEVEL",
        "ADMIN_KEY", "ADMIN_TOKEN_FILE", "COORDINATOR_BIND", "COORDINATOR_DATA", "COORDINATOR_KEY", "COORDINATOR_URL", "PRICE_PER_UNIT", "SPONSOR_KEY",
        "SPONSOR_PER_HOUR", "SPONSOR_TOTAL", "NODE_URL", "MINER_DATA", "MINER_KEY", "MINER_PAYOUT", "MINER_BIND", "MINER_THREADS", "MINER_MEMORY_MB",
        "MINER_OPENCL", "MINER_OPENCL_MEMORY_MB",
        "PASSPHRASE_FILE", "HTTP_RATE_PER_ADDRESS", "HTTP_RATE_PER_KEY", "HTTP_CONNECTIONS", "HTTP_CONNECTIONS_PER_ADDRESS", "HTTP_MIN_BYTES_PER_SECOND",
    ]

    /// - Parameter configFile: path of a JSON object of strings and integers, keys as the variables in lower case.
    /// - Throws: `unknown_field` for a key nobody reads, `io_failed`, `bad_json`.
    init(configFile: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment, folder: String = ".") throws(Problem) {
        self.environment = environment
        dotEnv = try Self.dotEnv(folder + "/.env")
        file = try configFile.map { (path) throws(Problem) in try Self.config(path) } ?? [:]
    }

    /// The value of `name`; an empty one counts as absent.
    func text(_ name: String, _ flag: String?) -> String? {
        [flag, environment[name], dotEnv[name], file[name]].lazy.compactMap { $0 }.first { !$0.isEmpty }
    }

    func text(_ name: String, _ flag: String?, default value: String) -> String { text(name, flag) ?? value }

    /// Those of `names` that are set anywhere, for a service that reads a small environment of its own.
    func named(_ names: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: names.compactMap { name in text(name, nil).map { (name, $0) } })
    }

    /// The parameters that a genesis takes from the settings, and that a running node's settings must agree with.
    var chainParameters: [String: String] { named(["MINT_PER_UNIT", "COORDINATOR_RATIO"]) }

    /// Throws `out_of_range` for anything but an integer in `range`: never the default instead.
    func integer(_ name: String, _ flag: Int? = nil, in range: ClosedRange<Int>, default value: Int) throws(Problem) -> Int {
        guard let text = text(name, flag.map(String.init)) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(.outOfRange, "\(name) is \"\(text)\"; it must be an integer in \(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    private static func config(_ path: String) throws(Problem) -> [String: String] {
        guard let object = try JSON.parse(Files.read(path, limit: 1 << 20)).objectValue else { throw Problem(.wrongType, "\(path) is not a JSON object") }
        var values: [String: String] = [:]
        for member in object.members {
            let name = member.key.uppercased()
            guard names.contains(name), member.key == member.key.lowercased() else {
                throw Problem(.unknownField, "\(path) has an unknown key \"\(member.key)\"\(nearest(to: name))")
            }
            switch member.value {
            case .string(let text): values[name] = text
            case .integer(let number): values[name] = String(number)
            default: throw Problem(.wrongType, "\"\(member.key)\" in \(path) is neither a string nor an integer")
            }
        }
        return values
    }

    private static func nearest(to name: String) -> String {
        let best = names.min { EditDistance.between(name, $0) < EditDistance.between(name, $1) }
        guard let best, EditDistance.between(name, best) <= 3 else { return "" }
        return "; did you mean \"\(best.lowercased())\"?"
    }

    /// Lines of NAME=value; blank ones and those that start with # are passed over. Other names may stand there too.
    private static func dotEnv(_ path: String) throws(Problem) -> [String: String] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        var values: [String: String] = [:]
        for (number, line) in String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let equals = text.firstIndex(of: "=") else { throw Problem(.badRequest, "\(path):\(number + 1) is not NAME=value") }
            let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            let isQuoted = value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
            values[String(text[..<equals]).trimmingCharacters(in: .whitespaces)] = isQuoted ? String(value.dropFirst().dropLast()) : value
        }
        return values
    }
}

/// Levenshtein distance, to name the key that was probably meant.
enum EditDistance {
    static func between(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let cost = min(diagonal + (byte == right[column] ? 0 : 1), row[column] + 1, row[column + 1] + 1)
                diagonal = row[column + 1]
                row[column + 1] = cost
            }
        }
        return row[right.count]
    }
}
