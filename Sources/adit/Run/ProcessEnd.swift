import Foundation

/// How the program ends: at once, with its exit code, and without the exit handlers of the libraries.
///
/// A computation that was told to stop may still run on a thread of its own, and one on a device that hangs always does. `exit` would free OpenSSL's
/// and oneDNN's tables under it (a crash instead of the exit code) and have OpenBLAS wait for its threads (for ever, where one hangs). What must
/// last is on disk before it is acknowledged, and needs no handler.
enum ProcessEnd {
    static func now(_ code: Int32) -> Never {
        RawTerminal.restore()
        fflush(nil)
        _exit(code)
    }
}
