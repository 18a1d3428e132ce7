private import CSodium
private import Glibc

/// What a process that holds keys does before it opens one.
package enum ProcessSecrecy {
    /// No core dump of this process or its memory read by others of the same user: RLIMIT_CORE 0 and PR_SET_DUMPABLE 0.
    ///
    /// Gives false where the system refuses, which it never does to a process that asks for less.
    @discardableResult
    package static func enter() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let core = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        return core == 0 && adit_forbid_dumps() == 0
    }
}
