/// What a terminal shows now, so that only lines that have changed are written: no flicker, and next to nothing to do for a page that stands still.
package struct TerminalScreen: Sendable {
    /// Into the alternate screen, without a cursor and without wrapping at the edge.
    package static let enter = "\u{1B}[?1049h" + resume + "\u{1B}[2J"
    /// Without a cursor and without wrapping.
    package static let resume = "\u{1B}[?25l\u{1B}[?7l"
    /// Back to what was there before. Does no harm where nothing was entered.
    package static let leave = "\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    private let colours: Bool
    private var shown: [TerminalLine] = []
    private var size: TerminalPage.Size?

    package init(colours: Bool) { self.colours = colours }

    /// The bytes that turn what is shown into `lines`; empty where they are the same.
    package mutating func update(to lines: [TerminalLine], size: TerminalPage.Size) -> String {
        var text = ""
        if self.size != size {
            // What a terminal makes of its lines when it changes its size is its own affair.
            text = "\u{1B}[2J"
            shown = []
            self.size = size
        }
        for (row, line) in lines.prefix(size.rows).enumerated() where row >= shown.count || shown[row] != line {
            text += "\u{1B}[\(row + 1);1H\(line.encoded(colours: colours))"
            // At the edge the cursor stands on the last character, which this would take away.
            if line.width < size.columns { text += "\u{1B}[K" }
        }
        for row in lines.count..<max(lines.count, shown.count) { text += "\u{1B}[\(row + 1);1H\u{1B}[K" }
        shown = lines
        return text
    }

    /// Everything is written anew the next time: somebody else has written on the screen.
    package mutating func forget() { size = nil }
}
