import Foundation
import Signing
import Wire

/// Standard input as a terminal whose echo is off, for as long as secrets are typed. The bytes go from the terminal into locked memory and
/// nowhere else.
final class SilentTerminal {
    /// Whether standard input is a terminal.
    static var isPossible: Bool { isatty(0) == 1 }

    private var before = termios()
    /// Whether the last key was a carriage return: the line feed that may follow it ends no line of its own.
    private var returned = false

    /// Runs `body` without echo, and gives the terminal back as it was, whatever happens. Throws `io_failed` where there is none.
    static func session<Value>(_ body: (SilentTerminal) throws(Problem) -> Value) throws(Problem) -> Value {
        let terminal = try SilentTerminal()
        defer { terminal.end() }
        return try body(terminal)
    }

    private init() throws(Problem) {
        guard unsafe tcgetattr(0, &before) == 0 else { throw Problem(.ioFailed, "standard input is no terminal") }
        var silent = before
        // Keys come one by one and signals as keys, so that no way out leaves the terminal without its echo.
        silent.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        // What was typed before was typed with its echo, and not in answer to us.
        guard unsafe tcsetattr(0, TCSAFLUSH, &silent) == 0 else { throw Problem(.ioFailed, "the terminal's echo can't be switched off") }
    }

    private func end() { _ = unsafe tcsetattr(0, TCSAFLUSH, &before) }

    /// One line, without its end.
    /// - Parameters:
    ///   - maxBytes: the longest that is taken.
    ///   - tooLong: thrown for a longer one.
    /// - Throws: `canceled` for Ctrl-C or Ctrl-D, `tooLong`.
    func line(_ question: String, maxBytes: Int, tooLong: @autoclosure () -> Problem) throws(Problem) -> SecretBytes {
        FileHandle.standardError.write(Data(question.utf8))
        defer { FileHandle.standardError.write(Data("\n".utf8)) }
        return try unsafe SecretBytes(capacity: maxBytes) { (buffer) throws(Problem) in
            var count = 0
            while true {
                let key = try key()
                switch key {
                case 0x0A, 0x0D: return count
                case 0x03, 0x04: throw Problem(.canceled, "nothing was typed to the end")
                case 0x08, 0x7F:
                    // A whole character, however many bytes it has.
                    while count > 0 {
                        count -= 1
                        if unsafe buffer[count] & 0xC0 != 0x80 { break }
                    }
                case 0x15: count = 0
                default:
                    guard count < maxBytes else { throw tooLong() }
                    unsafe buffer[count] = key
                    count += 1
                }
            }
        }
    }

    /// Drops what is typed ahead: the rest of a paste whose beginning was wrong.
    func forget() { _ = tcflush(0, TCIFLUSH) }

    private func key() throws(Problem) -> UInt8 {
        while true {
            var key: UInt8 = 0
            let got = unsafe read(0, &key, 1)
            if got < 0, errno == EINTR { continue }
            guard got == 1 else { throw Problem(.canceled, "the terminal is gone") }
            let second = returned && key == 0x0A
            returned = key == 0x0D
            if !second { return key }
        }
    }
}
