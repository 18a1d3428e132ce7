import Signing
import Synchronization
import Wire

/// Room for blobs: how many uploads at once, and how many bytes, by key and in all. What is under way counts as if it were there.
final class UploadGate: Sendable {
    private struct State {
        var uploads = 0
        var bytes: [Address: Int]
        var total: Int

        mutating func free(_ owner: Address, _ freed: Int) {
            let mine = (bytes[owner] ?? 0) - freed
            bytes[owner] = mine > 0 ? mine : nil
            total -= freed
        }
    }

    private let limits: CoordinatorLimits
    private let state: Mutex<State>

    /// - Parameter kept: bytes of the blobs that count for each key.
    init(limits: CoordinatorLimits, kept: [Address: Int]) {
        self.limits = limits
        state = Mutex(State(bytes: kept, total: kept.values.reduce(0, +)))
    }

    /// Reserves room for an upload of at most `bytes`, itself at most `limits.blobBytes`.
    ///
    /// - Throws: `rate_limited` for too many uploads, `quota_exceeded` for too many bytes.
    func enter(_ owner: Address, bytes: Int) throws(Problem) {
        let refusal: Problem? = state.withLock { state in
            let mine = state.bytes[owner] ?? 0
            if state.uploads >= limits.uploads { return Problem(.rateLimited, "too many uploads at once") }
            // Each of these is at most a disk's size: no sum of them overflows.
            if mine + bytes > limits.blobBytesPerKey { return Problem(.quotaExceeded, "this key's blobs would exceed its quota") }
            if state.total + bytes > limits.blobBytesInAll { return Problem(.quotaExceeded, "there is no more room for blobs") }
            state.uploads += 1
            state.bytes[owner] = mine + bytes
            state.total += bytes
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Ends an upload that had reserved `bytes`, of which `kept` stay.
    func leave(_ owner: Address, bytes: Int, kept: Int) {
        state.withLock { state in
            state.uploads -= 1
            state.free(owner, bytes - kept)
        }
    }

    /// Reserves room for an upload that may last longer than its connection, in place of what it had reserved before.
    ///
    /// - Throws: `quota_exceeded`.
    func reserve(_ owner: Address, bytes: Int, insteadOf old: Int) throws(Problem) {
        let refusal: Problem? = state.withLock { state in
            let mine = (state.bytes[owner] ?? 0) - old
            if mine + bytes > limits.blobBytesPerKey { return Problem(.quotaExceeded, "this key's blobs would exceed its quota") }
            if state.total - old + bytes > limits.blobBytesInAll { return Problem(.quotaExceeded, "there is no more room for blobs") }
            state.bytes[owner] = mine + bytes
            state.total += bytes - old
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Blobs that counted for `owner` are gone.
    func release(_ owner: Address, bytes: Int) { state.withLock { $0.free(owner, bytes) } }

    /// Blobs that counted for `owner` count for `heir`.
    func pass(bytes: Int, from owner: Address, to heir: Address) {
        release(owner, bytes: bytes)
        add(heir, bytes: bytes)
    }

    /// A blob was found that counted for nobody.
    func add(_ owner: Address, bytes: Int) {
        state.withLock { state in
            state.bytes[owner, default: 0] += bytes
            state.total += bytes
        }
    }
}
