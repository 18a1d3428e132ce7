/// Text from outside, such as a driver's name for its device, made fit for a terminal: no escape sequences, known widths.
package enum TerminalText {
    /// Without anything that a terminal would take for a command. What is left out stands as `·`.
    ///
    /// Out go C0 and C1 controls, the marks that turn the writing direction, and other characters of format: a name must not
    /// rearrange the line that it stands in.
    package static func safe(_ text: String, most: Int = 400) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(most) {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: safe.append("·")
            default: safe.append(scalar)
            }
        }
        return String(safe)
    }

    /// Columns that a character takes: 0 for marks that combine, 2 for East Asian wide ones and pictures, else 1.
    static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x20..<0x7F: return 1
        case 0x300..<0x370, 0x1AB0..<0x1B00, 0x1DC0..<0x1E00, 0x20D0..<0x2100, 0xFE00..<0xFE10, 0xFE20..<0xFE30, 0xE0100..<0xE01F0: return 0
        // Unicode's East Asian Width W and F, in ranges; a reserved place in one is drawn wide as well.
        case 0x1100..<0x1160, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x2E80..<0x303F, 0x3041..<0xA4D0, 0xA960..<0xA980, 0xAC00..<0xD7A4,
            0xF900..<0xFB00, 0xFE30..<0xFE70, 0xFF00..<0xFF61, 0xFFE0..<0xFFE7, 0x1F300..<0x1F650, 0x1F680..<0x1F700, 0x1F900..<0x1FB00, 0x20000..<0x3FFFE:
            return 2
        default:
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark: return 0
            default: return 1
            }
        }
    }

    package static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// The beginning of a text that fits, ended by `…` where something is missing.
    package static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let width = width(scalar)
            if used + width > columns - 1 { break }
            kept.append(scalar)
            used += width
        }
        return String(kept) + "…"
    }

    /// Exactly so many columns: cut, or filled with spaces on the right.
    package static func left(_ text: String, _ columns: Int) -> String {
        let text = cut(text, to: columns)
        return text + String(repeating: " ", count: max(0, columns - width(text)))
    }

    /// The same, filled on the left.
    package static func right(_ text: String, _ columns: Int) -> String {
        let text = cut(text, to: columns)
        return String(repeating: " ", count: max(0, columns - width(text))) + text
    }

    /// Words in lines of at most so many columns, at most `lines` of them; what doesn't fit ends in `…`. `curl` stays with its address, to be pasted.
    package static func wrap(_ text: String, _ columns: Int, lines most: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        let words = text.split(separator: " ").reduce(into: [String]()) { words, word in
            if words.last == "curl" { words[words.count - 1] += " \(word)" } else { words.append(String(word)) }
        }
        for (index, word) in words.enumerated() {
            let longer = line.isEmpty ? word : "\(line) \(word)"
            if width(longer) <= columns || line.isEmpty {
                line = longer
            } else if lines.count == most - 1 {
                lines.append(cut("\(line) \(words[index...].joined(separator: " "))", to: columns))
                return lines
            } else {
                lines.append(cut(line, to: columns))
                line = word
            }
        }
        if !line.isEmpty { lines.append(cut(line, to: columns)) }
        return lines
    }
}
