import CXSMM
import Synchronization

/// libxsmm as a whole, of which a process has one: open, or closed while nobody runs its code.
///
/// Its table of code alone has 8 MiB, all written when it is opened, and the program's start opens it.
enum XSMMLibrary {
    /// How often it is closed at most: each time it keeps 16 KiB for good, measured with 1.17.
    private static let mostCloses = 64

    private struct State {
        var uses = 0
        var isOpen = false
        /// Code lives as long as the library stays open: that of another time is gone.
        var time = 0
    }
    private static let state = Mutex(State())

    /// Runs a body while the library is open; it may take code and run it.
    ///
    /// - Parameter body: is given which time the library is open: what code was made in another one is gone.
    static func whileOpen<R, E: Error>(_ body: (Int) throws(E) -> R) throws(E) -> R {
        let time = state.withLock { state in
            if !state.isOpen {
                libxsmm_init()
                // Whatever LIBXSMM_TARGET in the environment says.
                libxsmm_set_target_archid(libxsmm_cpuid())
                state.isOpen = true
            }
            state.uses += 1
            return state.time
        }
        defer { state.withLock { $0.uses -= 1 } }
        return try body(time)
    }

    /// Gives its memory back, and all code that it made, unless somebody runs some.
    static func close() {
        state.withLock { state in
            guard state.isOpen, state.uses == 0, state.time < mostCloses else { return }
            libxsmm_finalize()
            state.isOpen = false
            state.time += 1
        }
    }
}
