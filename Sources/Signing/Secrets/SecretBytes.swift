internal import CSodium
private import Glibc
private import Synchronization
package import Wire

/// A few secret bytes in memory of their own: between guard pages, locked against swapping, left out of core dumps, read-only once
/// they are written, and zeroed when the last user lets go (libsodium's `sodium_malloc`).
///
/// Where the system forbids locking (RLIMIT_MEMLOCK) or gives no such memory, they lie in less protected memory, still zeroed at
/// the end, and `allLocked` turns false: the program says so when it has opened its keys.
@safe package final class SecretBytes: @unchecked Sendable {  // The bytes are written in init alone.
    package let count: Int
    private let base: UnsafeMutablePointer<UInt8>
    private let isGuarded: Bool

    private static let unlocked = Atomic<Bool>(false)

    /// Whether every secret made so far is locked in memory.
    package static var allLocked: Bool { !unlocked.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - capacity: bytes to reserve, ≥ 1.
    ///   - fill: writes the secret and gives its length, at most `capacity`.
    package init(capacity: Int, fill: (UnsafeMutablePointer<UInt8>) throws(Problem) -> Int) throws(Problem) {
        precondition(capacity >= 1, "a secret has at least one byte")
        Sodium.start()
        if let guarded = unsafe sodium_malloc(capacity) {
            unsafe base = guarded.assumingMemoryBound(to: UInt8.self)
            isGuarded = true
            // sodium_malloc doesn't say whether its lock was granted; locking again does, and costs nothing.
            if unsafe sodium_mlock(guarded, capacity) != 0 { Self.unlocked.store(true, ordering: .relaxed) }
        } else {
            unsafe base = .allocate(capacity: capacity)
            isGuarded = false
            Self.unlocked.store(true, ordering: .relaxed)
        }
        do throws(Problem) {
            let length = try unsafe fill(base)
            precondition((0...capacity).contains(length), "a secret fits its memory")
            count = length
        } catch {
            unsafe Self.release(base, isGuarded: isGuarded, capacity: capacity)
            throw error
        }
        self.capacity = capacity
        if isGuarded { _ = unsafe sodium_mprotect_readonly(base) }
    }

    private let capacity: Int

    /// A copy of bytes that lie in ordinary memory: only for secrets that came from there.
    convenience init(copying bytes: [UInt8]) throws(Problem) {
        try unsafe self.init(capacity: max(bytes.count, 1)) { base in
            unsafe base.initialize(from: bytes, count: bytes.count)
            return bytes.count
        }
    }

    /// Random bytes that never lie anywhere else.
    static func random(_ count: Int) throws(Problem) -> SecretBytes {
        try unsafe SecretBytes(capacity: count) { base in
            unsafe randombytes_buf(base, count)
            return count
        }
    }

    deinit { unsafe Self.release(base, isGuarded: isGuarded, capacity: capacity) }

    private static func release(_ base: UnsafeMutablePointer<UInt8>, isGuarded: Bool, capacity: Int) {
        if isGuarded {
            unsafe sodium_free(base)
        } else {
            unsafe sodium_memzero(base, capacity)
            unsafe base.deallocate()
        }
    }

    /// Lends the `count` bytes; the pointer must not outlive `body`.
    func withPointer<Value, Failure: Error>(_ body: (UnsafePointer<UInt8>) throws(Failure) -> Value) throws(Failure) -> Value {
        try unsafe body(UnsafePointer(base))
    }

    /// Lends them as a buffer, likewise.
    func withBytes<Value, Failure: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Value) throws(Failure) -> Value {
        try unsafe body(UnsafeBufferPointer(start: base, count: count))
    }

    /// Writes them to a file, a pipe or a terminal, from where they lie. Throws `io_failed`.
    package func write(to descriptor: Int32) throws(Problem) {
        try unsafe withBytes { (bytes) throws(Problem) in
            var done = 0
            while done < bytes.count {
                let wrote = unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                if wrote < 0, errno == EINTR { continue }
                guard wrote > 0 else { throw Problem(.ioFailed, unsafe String(cString: strerror(errno))) }
                done += wrote
            }
        }
    }

    /// In constant time for one length.
    func holdsSameBytes(as other: SecretBytes) -> Bool {
        guard count == other.count else { return false }
        guard count > 0 else { return true }
        return unsafe sodium_memcmp(base, other.base, count) == 0
    }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
    package var description: String { "SecretBytes(\(count))" }
    package var customMirror: Mirror { Mirror(self, children: ["count": count]) }
}
