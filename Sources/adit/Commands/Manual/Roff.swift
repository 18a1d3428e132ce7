/// A manual page as groff's man macros take it (groff_man(7)).
struct Roff {
    private(set) var text: String

    /// - Parameters:
    ///   - title: `adit-miner`.
    ///   - section: 1 for commands, 5 for files.
    ///   - summary: what `apropos` finds.
    init(_ title: String, section: Int, summary: String) {
        text = ".TH \(Self.escaped(title.uppercased())) \(section) \"\" \"adit \(Version.text)\" \"Adit\"\n"
        // Neither justified nor hyphenated: commands are copied from here.
        text += ".ad l\n.nh\n"
        heading("Name")
        text += "\(Self.escaped(title)) \\- \(Self.escaped(summary))\n"
    }

    mutating func heading(_ name: String) { text += ".SH \(Self.escaped(name.uppercased()))\n" }
    mutating func subheading(_ name: String) { text += ".SS \"\(Self.escaped(name))\"\n" }

    /// Paragraphs, one for each line.
    mutating func paragraphs(_ words: String) {
        for line in words.split(separator: "\n") { text += ".PP\n\(Self.line(line))\n" }
    }

    /// A term in bold with what it means below.
    mutating func entry(_ term: String, _ meaning: String) {
        text += ".TP\n.B \"\(Self.escaped(term))\"\n"
        for line in meaning.split(separator: "\n") { text += "\(Self.line(line))\n" }
    }

    /// Words with markup of their own: `synopsis`.
    mutating func bold(_ words: String) { text += ".PP\n.B \"\(Self.escaped(words))\"\n" }

    /// No line may begin like a request.
    private static func line(_ words: Substring) -> String {
        let trimmed = words.drop { $0 == " " }
        return (trimmed.hasPrefix(".") || trimmed.hasPrefix("'") ? "\\&" : "") + escaped(String(trimmed))
    }

    /// Other characters than ASCII by their numbers, which groff takes whatever the page's encoding is said to be.
    private static func escaped(_ words: String) -> String {
        words.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\e"
            case "-": "\\-"
            case "\"": "\\(dq"
            case "…": "\\&..."
            case _ where scalar.isASCII: String(scalar)
            default: "\\[u\(String(scalar.value, radix: 16, uppercase: true).leftPadded(4))]"
            }
        }.joined()
    }
}

extension String {
    fileprivate func leftPadded(_ width: Int) -> String { String(repeating: "0", count: max(0, width - count)) + self }
}
