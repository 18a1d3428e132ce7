/// A line of a terminal's page: pieces of text with what they mean. Colour comes last, if at all.
package struct TerminalLine: Sendable, Equatable {
    package enum Style: Sendable { case plain, strong, faint, good, warning, bad, accent }

    private(set) var pieces: [(text: String, style: Style)] = []

    package init() {}
    package init(_ text: String, _ style: Style = .plain) { add(text, style) }

    package static func == (left: TerminalLine, right: TerminalLine) -> Bool {
        left.pieces.elementsEqual(right.pieces) { $0.text == $1.text && $0.style == $1.style }
    }

    mutating func add(_ text: String, _ style: Style = .plain) { if !text.isEmpty { pieces.append((text, style)) } }

    func adding(_ text: String, _ style: Style = .plain) -> TerminalLine {
        var line = self
        line.add(text, style)
        return line
    }

    /// Filled with spaces up to a column.
    mutating func tab(to column: Int) { add(String(repeating: " ", count: max(0, column - width))) }

    package var width: Int { pieces.reduce(0) { $0 + TerminalText.width($1.text) } }

    /// The text alone.
    package var text: String { pieces.map(\.text).joined() }

    /// Cut to so many columns.
    package func cut(to columns: Int) -> TerminalLine {
        guard width > columns else { return self }
        var line = TerminalLine()
        var room = columns
        for piece in pieces where room > 0 {
            let text = TerminalText.cut(piece.text, to: room)
            line.add(text, piece.style)
            room -= TerminalText.width(text)
        }
        return line
    }

    /// For a terminal: with ECMA-48 colours of the terminal's own palette, or with none at all.
    package func encoded(colours: Bool) -> String {
        guard colours else { return text }
        return pieces.map { piece in
            switch piece.style {
            case .plain: piece.text
            case .strong: "\u{1B}[1m\(piece.text)\u{1B}[0m"
            case .faint: "\u{1B}[2m\(piece.text)\u{1B}[0m"
            case .good: "\u{1B}[32m\(piece.text)\u{1B}[0m"
            case .warning: "\u{1B}[33m\(piece.text)\u{1B}[0m"
            case .bad: "\u{1B}[31m\(piece.text)\u{1B}[0m"
            case .accent: "\u{1B}[36m\(piece.text)\u{1B}[0m"
            }
        }.joined()
    }
}
