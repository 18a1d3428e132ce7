/// Labelled paragraphs that fit a terminal.
package struct TextBlock: Sendable {
    package static let width = 80
    private static let margin = 11

    package private(set) var lines: [String] = []

    package init() {}

    /// A paragraph behind a label; none for an empty text. Words are never cut, so one that is longer than a line stands out.
    package mutating func add(_ label: String, _ text: String) {
        guard !text.isEmpty else { return }
        var line = label + String(repeating: " ", count: max(1, Self.margin - label.count))
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > Self.width {
                lines.append(line)
                line = String(repeating: " ", count: Self.margin)
                isEmpty = true
            }
            line += isEmpty ? String(word) : " \(word)"
            isEmpty = false
        }
        lines.append(line)
    }

    /// A line as it is: of a table.
    package mutating func add(line: String) { lines.append(line) }
}
