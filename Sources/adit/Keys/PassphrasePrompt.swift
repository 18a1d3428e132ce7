import Foundation
import Signing
import Wire

/// Asks for a passphrase on the terminal, with its echo off. The bytes go from the terminal into locked memory and nowhere else.
enum PassphrasePrompt {
    /// Whether standard input is a terminal.
    static var isPossible: Bool { isatty(0) == 1 }

    /// One line, without its end.
    /// - Throws: `canceled` for Ctrl-C or Ctrl-D, `bad_passphrase` for an empty or too long one, `io_failed`.
    static func ask(_ question: String) throws(Problem) -> Passphrase {
        var before = termios()
        guard unsafe tcgetattr(0, &before) == 0 else { throw Problem(.ioFailed, "standard input is no terminal") }
        var silent = before
        // Keys come one by one and signals as keys, so that no way out leaves the terminal without its echo.
        silent.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        guard unsafe tcsetattr(0, TCSAFLUSH, &silent) == 0 else { throw Problem(.ioFailed, "the terminal's echo can't be switched off") }
        FileHandle.standardError.write(Data(question.utf8))
        defer {
            unsafe tcsetattr(0, TCSAFLUSH, &before)
            FileHandle.standardError.write(Data("\n".utf8))
        }
        let secret = try unsafe SecretBytes(capacity: Passphrase.maxBytes) { (buffer) throws(Problem) in
            var count = 0
            while true {
                var key: UInt8 = 0
                let got = unsafe read(0, &key, 1)
                if got < 0, errno == EINTR { continue }
                guard got == 1 else { throw Problem(.canceled, "no passphrase was given") }
                switch key {
                case 0x0A, 0x0D: return count
                case 0x03, 0x04: throw Problem(.canceled, "no passphrase was given")
                case 0x08, 0x7F:
                    // A whole character, however many bytes it has.
                    while count > 0 {
                        count -= 1
                        if unsafe buffer[count] & 0xC0 != 0x80 { break }
                    }
                case 0x15: count = 0
                default:
                    guard count < Passphrase.maxBytes else { throw Problem(.badPassphrase, "a passphrase has at most \(Passphrase.maxBytes) bytes") }
                    unsafe buffer[count] = key
                    count += 1
                }
            }
        }
        return try Passphrase(secret)
    }
}
