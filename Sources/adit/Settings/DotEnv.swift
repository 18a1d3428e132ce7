import Foundation
import Wire

/// A `.env` file: lines of NAME=value; blank ones and those that start with # are passed over. Other programs' names may stand there too.
struct DotEnv {
    /// By name; of several lines with one name the last counts.
    private(set) var values: [String: (value: String, line: Int)] = [:]

    /// Nothing where there is no file. Throws `io_failed`, or `bad_request` with the line that can't be read.
    static func load(_ path: String) throws(Problem) -> DotEnv {
        var env = DotEnv()
        guard FileManager.default.fileExists(atPath: path) else { return env }
        for (number, line) in String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let equals = text.firstIndex(of: "=") else { throw Problem(.badRequest, "\(path):\(number + 1) is not NAME=value") }
            let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            let isQuoted = value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
            env.values[String(text[..<equals]).trimmingCharacters(in: .whitespaces)] = (isQuoted ? String(value.dropFirst().dropLast()) : value, number + 1)
        }
        return env
    }
}
