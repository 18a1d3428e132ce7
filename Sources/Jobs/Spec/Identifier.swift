import Wire

/// Short names that stand in specs and messages: tensor names, device kinds, versions.
enum Identifier {
    static let maxBytes = 64

    /// Gives `text` back if it is 1…64 bytes of `A-Z a-z 0-9 . _ - +`; `out_of_range` otherwise.
    static func check(_ text: String, _ what: String) throws(Problem) -> String {
        guard (1...maxBytes).contains(text.utf8.count), text.utf8.allSatisfy(allowed) else {
            throw Problem(.outOfRange, "\(what) is 1 to \(maxBytes) letters, digits, dots, dashes, underscores or plus signs")
        }
        return text
    }

    private static func allowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"): true
        default: false
        }
    }
}
