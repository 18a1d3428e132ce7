package import Wire

/// A config file's text: `name = value` lines, and comments from a `#` to the end of the line.
///
/// Names are the settings' in lower case. A value that holds ` #`, or begins or ends with a space, stands in double quotes, within which
/// nothing has a special meaning. An empty value counts as absent. Reading never fails: what is wrong is listed, line by line.
package struct ConfigText: Sendable {
    /// One value, and where it stands.
    package struct Entry: Sendable {
        package let setting: Setting
        package let value: String
        /// From 1.
        package let line: Int
    }

    /// Something that is wrong with a line.
    package struct Fault: Sendable, Equatable {
        package let line: Int
        package let problem: Problem
    }

    /// Without their ends; a carriage return before the end is kept.
    private(set) var lines: [Substring]
    package private(set) var entries: [Entry] = []
    package private(set) var faults: [Fault] = []

    /// A file that somebody filled with something else is told of by its first lines.
    private static let mostFaults = 20

    package init(_ text: String) {
        // By bytes: as characters, a carriage return and the line's end behind it are one.
        lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
        for (index, line) in lines.enumerated() where faults.count < Self.mostFaults {
            do throws(Problem) {
                guard let parsed = try ConfigLine(line, isFirst: index == 0) else { continue }
                entries.append(Entry(setting: try Self.setting(parsed.name), value: parsed.value, line: index + 1))
                try checkSingle(entries.count - 1)
            } catch {
                faults.append(Fault(line: index + 1, problem: error))
            }
        }
    }

    private static func setting(_ name: String) throws(Problem) -> Setting {
        guard let setting = Setting.named(name.uppercased()) else {
            let meant = SettingNames.nearest(to: name).map { "; did you mean \"\($0.key)\"?" } ?? ""
            throw Problem(.unknownField, "unknown key \"\(name.prefix(64))\"\(meant)")
        }
        guard setting.isInConfigFile else { throw Problem(.unknownField, "\(setting.name) belongs into the environment, not into a config file") }
        return setting
    }

    /// Two values for one name: nobody can say which was meant.
    private func checkSingle(_ index: Int) throws(Problem) {
        let entry = entries[index]
        if let earlier = entries[..<index].first(where: { $0.setting.name == entry.setting.name }) {
            throw Problem(.duplicateKey, "\(entry.setting.key) stands on line \(earlier.line) already; keep one of the two")
        }
    }

    /// The text as it is now.
    package var text: String { lines.joined(separator: "\n") }

    /// Changes, adds or, with a value of nil, takes away a line; every other line, comments among them, stays as it is.
    ///
    /// A new line goes below the commented default that `adit config init` wrote, or to the end.
    ///
    /// - Throws: `duplicate_key` where the name stands on several lines, `out_of_range` for a value that no line can hold.
    package mutating func set(_ setting: Setting, to value: String?) throws(Problem) {
        let places = entries.filter { $0.setting.name == setting.name }
        guard places.count <= 1 else {
            throw Problem(.duplicateKey, "\(setting.key) stands on lines \(places.map { String($0.line) }.joined(separator: ", ")); keep one of them")
        }
        let written = try value.map { (value) throws(Problem) in try ConfigLine.written(value, setting.key) }
        switch (places.first, written) {
        case (let place?, let written?):
            lines[place.line - 1] = ConfigLine.replacing(lines[place.line - 1], by: written, isFirst: place.line == 1)
        case (let place?, nil): lines.remove(at: place.line - 1)
        case (nil, let written?): insert("\(setting.key) = \(written)", below: setting.key)
        case (nil, nil): return
        }
        self = ConfigText(text)
    }

    private mutating func insert(_ line: String, below key: String) {
        let end = lines.contains { $0.utf8.last == UInt8(ascii: "\r") } ? "\r" : ""
        if let comment = lines.lastIndex(where: { ConfigLine.isCommentedDefault($0, of: key) }) {
            lines.insert(Substring(line + end), at: comment + 1)
        } else if lines.last?.isEmpty == true {
            lines.insert(Substring(line + end), at: lines.count - 1)
        } else {
            lines += [Substring(line + end), ""]
        }
    }
}
