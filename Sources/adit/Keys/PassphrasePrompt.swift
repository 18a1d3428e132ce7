import Foundation
import Signing
import Wire

/// Asks for a passphrase on the terminal.
enum PassphrasePrompt {
    /// Whether standard input is a terminal.
    static var isPossible: Bool { SilentTerminal.isPossible }

    /// One line, without its end.
    /// - Throws: `canceled` for Ctrl-C or Ctrl-D, `bad_passphrase` for an empty or too long one, `io_failed`.
    static func ask(_ question: String) throws(Problem) -> Passphrase {
        let secret = try SilentTerminal.session { (terminal) throws(Problem) in
            try terminal.line(
                question, maxBytes: Passphrase.maxBytes,
                tooLong: Problem(.badPassphrase, "a passphrase has at most \(Passphrase.maxBytes) bytes"))
        }
        return try Passphrase(secret)
    }
}
