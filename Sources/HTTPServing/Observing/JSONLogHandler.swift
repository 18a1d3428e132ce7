import Glibc
package import Logging
import Wire

/// Writes one line of JSON per event: `time`, `level`, `component`, `event`, then the event's metadata.
///
/// `event` is always a name (`snake_case`). Sentences, which libraries log, are `library` events with the sentence as `message`.
/// Numbers and booleans given as `.stringConvertible` stay numbers. A line is one `write(2)`, so lines of several
/// threads and processes don't mix. Texts over 4 KiB are cut.
package struct JSONLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let component: String
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: takes one line with its newline; standard error unless given.
    package init(
        component: String, level: Logger.Level = .info, write: @escaping @Sendable ([UInt8]) -> Void = JSONLogHandler.standardError
    ) {
        self.component = component
        self.logLevel = level
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var members = metadata
        if let provided = metadataProvider?.get() { members.merge(provided) { $1 } }
        if let own = event.metadata { members.merge(own) { $1 } }
        if let error = event.error { members["error"] = .string("\(error)") }
        var line = "{\"time\":" + Self.quoted(Timestamp.now()) + ",\"level\":\"\(event.level.rawValue)\",\"component\":" + Self.quoted(component)
        let text = "\(event.message)"
        if Self.isName(text) {
            line += ",\"event\":\"\(text)\""
        } else {
            line += ",\"event\":\"library\",\"message\":" + Self.quoted(text)
            members["message"] = nil
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where !Self.reserved.contains(key) {
            line += "," + Self.quoted(key) + ":" + Self.encode(value)
        }
        line += "}\n"
        write(Array(line.utf8))
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    private static let reserved: Set<String> = ["time", "level", "component", "event"]

    private static func encode(_ value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .stringConvertible(let number as any BinaryInteger): number.description
        case .stringConvertible(let number as Double): number.isFinite ? "\(number)" : quoted("\(number)")
        case .stringConvertible(let truth as Bool): truth ? "true" : "false"
        case .stringConvertible(let other): quoted(other.description)
        case .array(let values): "[" + values.map(encode).joined(separator: ",") + "]"
        case .dictionary(let members):
            "{" + members.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + encode($0.value) }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        JSON.string(text.utf8.count <= 4096 ? text : String(text.prefix(4096)) + "…").canonicalString
    }

    /// Writes to file descriptor 2; a line that can't be written is lost, since there is nowhere left to say so.
    package static func standardError(_ line: [UInt8]) {
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
