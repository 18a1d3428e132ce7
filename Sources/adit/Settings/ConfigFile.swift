import Foundation
import Operations
import Wire

/// A config file as it was read: `name = value` lines (`ConfigText`), or one JSON object of strings and integers, the form before that one.
struct ConfigFile {
    let path: String
    /// By the setting's name; the place is `adit.conf:12`.
    private(set) var values: [String: (value: String, place: String)] = [:]
    /// What is wrong, with its place, in the file's order.
    private(set) var faults: [Problem] = []
    /// The lines; nil for a JSON object.
    private(set) var text: ConfigText?

    /// The most that is read: a file that is larger is no config file.
    private static let limit = 1 << 20

    /// - Throws: `io_failed`, `bad_json`, `bad_request` for bytes that are no text. Whatever is wrong with single keys is in `faults`.
    static func load(_ path: String) throws(Problem) -> ConfigFile {
        let bytes = try Files.read(path, limit: limit)
        var file = ConfigFile(path: path)
        // No line of the other form begins with a brace.
        if bytes.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{") {
            try file.read(JSON.parse(bytes))
        } else {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw Problem(.badRequest, "\(path) is not a text in UTF-8") }
            file.read(ConfigText(text))
        }
        return file
    }

    private init(path: String) { self.path = path }

    init(path: String, text: ConfigText) {
        self.path = path
        read(text)
    }

    private mutating func read(_ text: ConfigText) {
        self.text = text
        for entry in text.entries { values[entry.setting.name] = (entry.value, "\(path):\(entry.line)") }
        faults = text.faults.map { Problem($0.problem.code, "\(path):\($0.line): \($0.problem.detail)") }
    }

    private mutating func read(_ json: JSON) throws(Problem) {
        guard let object = json.objectValue else { throw Problem(.wrongType, "\(path) is not a JSON object") }
        for member in object.members {
            guard let setting = Setting.named(member.key.uppercased()), setting.isInConfigFile, member.key == setting.key else {
                let meant = SettingNames.nearest(to: member.key).map { "; did you mean \"\($0.key)\"?" } ?? ""
                faults.append(Problem(.unknownField, "\(path) has an unknown key \"\(member.key.prefix(64))\"\(meant)"))
                continue
            }
            switch member.value {
            case .string(let text): values[setting.name] = (text, path)
            case .integer(let number): values[setting.name] = (String(number), path)
            default: faults.append(Problem(.wrongType, "\"\(setting.key)\" in \(path) is neither a string nor an integer"))
            }
        }
    }

    /// All that is wrong as one problem, with the code of the first; nil where nothing is.
    var problem: Problem? {
        guard let first = faults.first else { return nil }
        return Problem(first.code, faults.map(\.detail).joined(separator: "; "))
    }
}
