import Signing
import Wire

/// Takes secrets out of a text that goes to other people.
///
/// Three nets, one behind the other: the secrets that this machine is known to hold, in the forms they may have been written in; values whose name
/// says that they are secret; and whatever looks like a key, a token or a list of words, whoever wrote it. What is taken away in error can be
/// asked for; a secret can't be taken back.
package struct Redaction: Sendable {
    static let mark = "[removed]"
    /// Shorter secrets would take half of the text with them.
    private static let shortest = 4
    /// Parts of names whose values nobody should see.
    static let secretNames = [
        "pass", "secret", "token", "credential", "authorization", "cookie", "mnemonic", "seed", "apikey", "api_key", "private", "signature", "session",
    ]

    private let known: [String]

    /// - Parameter secrets: contents of key files, passphrases, tokens.
    package init(secrets: [[UInt8]]) {
        var forms: Set<String> = []
        for secret in secrets where secret.count >= Self.shortest {
            forms.insert(String(decoding: secret, as: UTF8.self))
            let hex = Hex.encode(secret)
            // Base64 without padding: the text may go on behind it.
            forms.formUnion([hex, hex.uppercased(), String(Base64.encode(secret).prefix { $0 != "=" }), Self.percentEncoded(secret)])
        }
        // Longest first: one secret may be a part of another.
        known = forms.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// Whether a name says that its value is secret.
    package static func isSecret(name: String) -> Bool {
        let name = name.lowercased()
        return secretNames.contains { name.contains($0) }
    }

    package func clean(_ text: String) -> String {
        var text = text
        for secret in known { text = text.replacing(secret, with: Self.mark) }
        text = Self.withoutBackups(Self.withoutPEM(text))
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { Self.line(String($0)) }.joined(separator: "\n")
    }

    private static func line(_ line: String) -> String { tokens(values(urls(line))) }

    /// `scheme://user:password@host` and everything behind a question mark.
    private static func urls(_ line: String) -> String {
        var line = line
        line = line.replacing(#/([a-zA-Z][a-zA-Z0-9+.\-]*:\/\/)[^\s"'<>]*@/#) { "\($0.1)\(mark)@" }
        line = line.replacing(#/([a-zA-Z][a-zA-Z0-9+.\-]*:\/\/[^\s"'<>?]*)\?[^\s"'<>]*/#) { "\($0.1)?\(mark)" }
        return line
    }

    /// `name=value`, `name: value`, `"name":"value"`, `--name value` and `Bearer value` where the name says that the value is secret. A value in quotes
    /// goes to its end, another one to the end of the line: a passphrase has spaces.
    private static func values(_ line: String) -> String {
        var line = line
        line = line.replacing(#/(?i)\b(bearer|basic|digest)\s+[^\s"',;]+/#) { "\($0.1) \(mark)" }
        line = line.replacing(#/(--[A-Za-z0-9\-]+)(\s+)(\S+)/#) { isSecret(name: String($0.1)) ? "\($0.1)\($0.2)\(mark)" : String($0.0) }
        return line.replacing(
            #/(?i)(["']?)([a-z0-9_.\-]*(?:pass|secret|token|credential|authorization|cookie|mnemonic|seed|api_?key|private|signature|session)[a-z0-9_.\-]*)\1(\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|\S.*)/#
        ) { match in
            let value = isFileName(String(match.2), String(match.4)) ? String(match.4) : mark
            return "\(match.1)\(match.2)\(match.1)\(match.3)\(value)"
        }
    }

    /// `PASSPHRASE_FILE=./secret` names a place, which is no secret; but only something that is written as a path is one.
    private static func isFileName(_ name: String, _ value: String) -> Bool {
        let path = value.trimmingPrefix("\"")
        return name.lowercased().hasSuffix("_file") && (path.hasPrefix("/") || path.hasPrefix("./")) && !path.contains(" ")
    }

    /// Hexadecimal digits of 16 bytes or more, and words of 24 characters or more in which digits, capitals and small letters are mixed. Addresses
    /// (`ait1…`) have no capitals and stay.
    private static func tokens(_ line: String) -> String {
        var line = line
        line = line.replacing(#/\b[0-9a-fA-F]{32,}\b/#) { _ in mark }
        line = line.replacing(#/[A-Za-z0-9+\/_=\-]{24,}/#) { match in
            let word = String(match.0)
            let kinds = [#/[0-9]/#, #/[A-Z]/#, #/[a-z]/#].count { word.contains($0) }
            let slashes = word.count { $0 == "/" }
            return kinds == 3 && slashes * 12 <= word.count ? mark : word
        }
        return line
    }

    /// Five or more words of BIP-39's list in a row, with nothing but spaces, line ends, digits and marks between them: a part of a backup. Text that
    /// people write has a word that isn't on the list before that; where it hasn't, no harm is done.
    private static func withoutBackups(_ text: String) -> String {
        let bytes = Array(text.utf8)
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) && byte < 0x80 }
        var (cleaned, kept) = ([UInt8](), 0)
        // Where the run of words began, its last word's end, and how many they are.
        var (start, end, count) = (0, 0, 0)
        func close() {
            guard count >= fewestWords else { return }
            cleaned += bytes[kept..<start] + Array(mark.utf8)
            kept = end
        }
        var index = 0
        while index < bytes.count {
            guard isLetter(bytes[index]) else {
                index += 1
                continue
            }
            let first = index
            while index < bytes.count, isLetter(bytes[index]) { index += 1 }
            if BackupWord.isOne(bytes[first..<index]), count == 0 || first - end <= widestGap {
                if count == 0 { start = first }
                (end, count) = (index, count + 1)
            } else {
                close()
                count = 0
                if BackupWord.isOne(bytes[first..<index]) { (start, end, count) = (first, index, 1) }
            }
        }
        close()
        cleaned += bytes[kept...]
        return String(decoding: cleaned, as: UTF8.self)
    }

    private static let fewestWords = 5
    /// Bytes: a line's end, the indent of a wrapped line and a number.
    private static let widestGap = 32

    private static func withoutPEM(_ text: String) -> String {
        text.replacing(#/-----BEGIN [A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/#) { _ in mark }
    }

    private static func percentEncoded(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let character = Character(UnicodeScalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) { return String(character) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
