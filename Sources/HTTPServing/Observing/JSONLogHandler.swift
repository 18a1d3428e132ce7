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
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line.append(contentsOf: "{\"time\":\"".utf8)
        line.append(contentsOf: Timestamp.now().utf8)
        line.append(contentsOf: "\",\"level\":\"".utf8)
        line.append(contentsOf: event.level.rawValue.utf8)
        line.append(contentsOf: "\",\"component\":".utf8)
        Self.quote(component, to: &line)
        let text = event.message.description
        line.append(contentsOf: ",\"event\":".utf8)
        if Self.isName(text) {
            Self.quote(text, to: &line)
        } else {
            line.append(contentsOf: "\"library\",\"message\":".utf8)
            Self.quote(text, to: &line)
            members["message"] = nil
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where !Self.reserved.contains(key) {
            line.append(UInt8(ascii: ","))
            Self.quote(key, to: &line)
            line.append(UInt8(ascii: ":"))
            Self.encode(value, to: &line)
        }
        line.append(contentsOf: "}\n".utf8)
        write(line)
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    private static let reserved: Set<String> = ["time", "level", "component", "event"]

    private static func encode(_ value: Logger.Metadata.Value, to line: inout [UInt8]) {
        switch value {
        case .string(let text): quote(text, to: &line)
        case .stringConvertible(let number as Int64): line.append(contentsOf: String(number).utf8)
        case .stringConvertible(let number as Double) where number.isFinite: line.append(contentsOf: number.description.utf8)
        case .stringConvertible(let number as any BinaryInteger): line.append(contentsOf: number.description.utf8)
        case .stringConvertible(let truth as Bool): line.append(contentsOf: (truth ? "true" : "false").utf8)
        case .stringConvertible(let other): quote(other.description, to: &line)
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                encode(value, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            line.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                quote(member.key, to: &line)
                line.append(UInt8(ascii: ":"))
                encode(member.value, to: &line)
            }
            line.append(UInt8(ascii: "}"))
        }
    }

    private static func quote(_ text: String, to line: inout [UInt8]) {
        JSON.write(text.utf8.count <= 4096 ? text : String(text.prefix(4096)) + "…", to: &line)
    }

    /// Writes to file descriptor 2; a line that can't be written is lost, since there is nowhere left to say so.
    package static func standardError(_ line: [UInt8]) {
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
