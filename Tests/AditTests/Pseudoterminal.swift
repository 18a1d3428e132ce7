import Foundation

/// A terminal whose other end a test holds: what the program echoes can be read, and keys can be pressed.
final class Pseudoterminal {
    let controller: FileHandle
    /// The end for the program's standard input.
    let terminal: FileHandle

    /// TIOCSPTLCK and TIOCGPTN.
    private static let unlock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    init() throws {
        // Linux's own calls: posix_openpt and its companions are hidden from Swift.
        let controller = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: CInt = 0
        var number: CInt = 0
        guard controller >= 0, unsafe ioctl(controller, Self.unlock, &locked) == 0, unsafe ioctl(controller, Self.getNumber, &number) == 0 else {
            throw CocoaError(.fileReadUnknown)
        }
        let terminal = unsafe open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { throw CocoaError(.fileReadUnknown) }
        self.controller = FileHandle(fileDescriptor: controller, closeOnDealloc: true)
        self.terminal = FileHandle(fileDescriptor: terminal, closeOnDealloc: true)
    }

    /// Gives it a size; who runs on it has to be told.
    func resize(rows: UInt16, columns: UInt16) throws {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        guard unsafe ioctl(terminal.fileDescriptor, UInt(TIOCSWINSZ), &size) == 0 else { throw CocoaError(.featureUnsupported) }
    }

    func press(_ keys: String) throws { try controller.write(contentsOf: Data(keys.utf8)) }

    /// Everything that was echoed so far.
    func echoed() -> String {
        let descriptor = controller.fileDescriptor
        var text: [UInt8] = []
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&ready, 1, 0) == 1, ready.revents & Int16(POLLIN) != 0 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether echo is on.
    var echoes: Bool {
        var state = termios()
        guard unsafe tcgetattr(terminal.fileDescriptor, &state) == 0 else { return false }
        return state.c_lflag & tcflag_t(ECHO) != 0
    }
}
