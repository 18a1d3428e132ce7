import Foundation
import MinerNode
import Profiler
import Wire

/// The terminal that the live page is on: keys come at once and aren't echoed, the screen is the alternate one.
///
/// Whatever ends the program, the terminal is as it was before: on the ordinary ways out by `leave` and `ProcessEnd`, where a library calls
/// `exit` by `atexit`, and where a trap or a fault ends the process by a signal handler, which does nothing but two calls that are allowed there.
@safe final class RawTerminal: Sendable {
    /// Standard input's settings before; global, since a signal handler can reach nothing else.
    private nonisolated(unsafe) static let before = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    private nonisolated(unsafe) static let isEntered = {
        let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        unsafe flag.initialize(to: 0)
        return unsafe flag
    }()
    private nonisolated(unsafe) static let farewell = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TerminalScreen.leave.utf8.count)
    private static let faults: [Int32] = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGQUIT, SIGHUP]

    /// Whether keys can be read.
    let hasKeys: Bool

    /// For standard output and, where it is a terminal too, standard input.
    init() {
        hasKeys = unsafe isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, Self.before) == 0
        _ = unsafe Self.farewell.initialize(from: TerminalScreen.leave.utf8)
        // Made here: a signal handler may not take memory.
        unsafe Self.isEntered.pointee = 0
        atexit { RawTerminal.restore() }
        for signal in Self.faults {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { signal in
                RawTerminal.restore()
                // Reset by SA_RESETHAND: what would have happened without us happens now.
                raise(signal)
            }
            action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            _ = unsafe sigaction(signal, &action, nil)
        }
    }

    /// Puts the terminal into the page's mode.
    func enter() async {
        takeKeys()
        unsafe Self.isEntered.pointee = 1
        await write(TerminalScreen.enter)
    }

    /// The same after somebody else, such as the shell, had the terminal while we stood still; the alternate screen is still there.
    func resume() async {
        takeKeys()
        await write(TerminalScreen.resume)
    }

    private func takeKeys() {
        guard hasKeys else { return }
        var settings = unsafe Self.before.pointee
        // Signals stay with the terminal: Ctrl-C and Ctrl-Z mean what they always mean. Ctrl-S would stop the page and then the program.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        settings.c_iflag &= ~tcflag_t(IXON)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    var isEntered: Bool { unsafe Self.isEntered.pointee == 1 }

    /// Whether the terminal is ours now: a job in the background that touches its settings is stopped by the system.
    static var isForeground: Bool {
        let group = tcgetpgrp(STDOUT_FILENO)
        return group < 0 || group == getpgrp()
    }

    /// Gives the terminal back as it was.
    func leave() { Self.restore() }

    /// Nothing but write(2) and tcsetattr(3): both may be called in a signal handler.
    static func restore() {
        guard unsafe isEntered.pointee == 1 else { return }
        unsafe isEntered.pointee = 0
        _ = unsafe Glibc.write(STDOUT_FILENO, farewell.baseAddress, farewell.count)
        if isatty(STDIN_FILENO) == 1 { _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, before) }
    }

    /// All of it, waiting where the terminal is slow or stopped: on a thread of its own, since the miner works on. A terminal that is gone takes nothing.
    func write(_ text: String) async {
        _ = try? await OwnThread.run("adit-terminal", on: Self.writer) { () throws(Problem) in Self.put(text) }
    }

    private static let writer = SharedThread("adit.live-page.write")

    private static func put(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The size now; 80 × 24 where the terminal doesn't say.
    var size: TerminalPage.Size {
        var window = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return TerminalPage.Size(columns: 80, rows: 24)
        }
        return TerminalPage.Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
    }
}
