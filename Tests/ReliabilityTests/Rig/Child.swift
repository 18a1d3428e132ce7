import Foundation
import Synchronization

/// A process that may be killed at any moment; its output goes to the end of one file.
final class Child: Sendable {
    let pid: pid_t
    /// The wait status once it has ended and was waited for.
    private let ended = Mutex<Int32?>(nil)

    struct NotStarted: Error { let reason: Int32 }

    /// - Parameter environment: the whole of it.
    init(_ program: String, _ arguments: [String], environment: [String: String], log: String) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let words = unsafe ([program] + arguments).map { unsafe strdup($0) }
        let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") }
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let reason = unsafe posix_spawn(&pid, program, &actions, nil, words + [nil], variables + [nil])
        guard reason == 0 else { throw NotStarted(reason: reason) }
        self.pid = pid
    }

    /// Its wait status, if it has ended.
    var status: Int32? { wait(WNOHANG) }

    /// SIGKILL, and nothing of it is left when this returns. False where it had ended by itself before.
    @discardableResult func kill() -> Bool {
        if status != nil { return false }
        Foundation.kill(pid, SIGKILL)
        _ = wait(0)
        return true
    }

    /// SIGTERM, and its exit status once it has ended; nil where it took more than `patience` seconds and was killed.
    func stop(patience: Double) async throws -> Int32? {
        if status == nil { Foundation.kill(pid, SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(patience)
        while ContinuousClock.now < deadline {
            if let status { return status }
            try await Task.sleep(for: .milliseconds(20))
        }
        kill()
        return nil
    }

    private func wait(_ options: Int32) -> Int32? {
        ended.withLock { ended in
            if ended == nil {
                var status: Int32 = 0
                if unsafe waitpid(pid, &status, options) == pid { ended = status }
            }
            return ended
        }
    }
}
