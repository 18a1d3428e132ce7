private import CSodium
private import Glibc

/// What a process that holds keys does before it opens one.
package enum ProcessSecrecy {
    /// No core dump of this process, its memory read by no other process of the same user, and no report of a crash: RLIMIT_CORE 0,
    /// PR_SET_DUMPABLE 0, and the signals of a crash as the system treats them.
    ///
    /// Swift's runtime answers a crash with a report on standard error, with every register and the 16 bytes that each points to: half a
    /// seed, in the journal. Whoever sets `SWIFT_BACKTRACE` asks for that report and gets it.
    ///
    /// Gives false where the system refuses, which it never does to a process that asks for less.
    @discardableResult
    package static func enter() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let core = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        if unsafe getenv("SWIFT_BACKTRACE") == nil {
            for crash in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { _ = signal(crash, SIG_DFL) }
        }
        return core == 0 && adit_forbid_dumps() == 0
    }
}
