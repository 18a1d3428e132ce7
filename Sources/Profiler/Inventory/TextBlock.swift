import Wire

/// Labelled paragraphs that fit a terminal.
package struct TextBlock: Sendable {
    package static let width = 80
    private static let margin = 11

    package private(set) var lines: [String] = []

    package init() {}

    /// A paragraph behind a label; none for an empty text. Words are never cut, so one that is longer than a line stands out.
    package mutating func add(_ label: String, _ text: String) {
        guard !text.isEmpty else { return }
        let first = label + String(repeating: " ", count: max(1, Self.margin - label.count))
        lines += text.wrapped(first: first, rest: String(repeating: " ", count: Self.margin), width: Self.width)
    }

    /// A line as it is: of a table.
    package mutating func add(line: String) { lines.append(line) }
}
