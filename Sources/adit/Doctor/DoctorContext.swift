import Foundation
import Operations
import Wire

/// What every check of `adit doctor` goes by.
struct DoctorContext: Sendable {
    let settings: Settings
    /// From the command line.
    var passphraseFile: String?
    var isInsecure = false

    /// The command that gives a setting a value, at the place from which it comes now: an exported variable goes before every file.
    func set(_ setting: Setting, to value: String) -> String {
        if case .environment? = settings.layers(setting.name, nil).first?.origin { return "export \(setting.name)=\(Shell.quoted(value))" }
        return "echo \(setting.name)=\(Shell.quoted(value)) >> \(Shell.quoted(settings.dotEnvPath))"
    }

    /// The command that takes the value away that counts now; nil where nobody set it.
    func unset(_ setting: Setting) -> String? {
        switch settings.layers(setting.name, nil).first?.origin {
        case .environment: "unset \(setting.name)"
        case .file(let place): Self.comment(place)
        case .flag, nil: nil
        }
    }

    /// The command that makes a comment of a line, by its place: `adit.conf:12`. nil for a place without a line.
    static func comment(_ place: String) -> String? {
        guard let colon = place.lastIndex(of: ":"), let line = Int(place[place.index(after: colon)...]) else { return nil }
        return "sed -i '\(line)s/^/# /' \(Shell.quoted(String(place[..<colon])))"
    }
}

enum Shell {
    /// A word that a POSIX shell reads as this text.
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "/._-:@%+=,".utf8.contains(byte)
            }
        return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
