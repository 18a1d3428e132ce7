private import Glibc
package import Wire

#if _endian(big)
    #error("tensors are little-endian in memory; this code reads them in place")
#endif

/// A fixed run of bytes that holds one tensor, shared without copying.
///
/// Own memory is aligned to 64 bytes and zeroed, and goes back to the system when its last user is gone; adopted memory (a mapped file) has whatever alignment its owner gave it.
///
/// **Rule of use**: one writer fills the buffer, then hands it on; from then on everybody only reads. This is why the
/// class may be `@unchecked Sendable`: no lock guards the bytes, the order of the job's steps does.
@safe package final class TensorBuffer: @unchecked Sendable {
    package static let alignment = 64
    /// 8 GiB. More only by an explicit limit, from who knows the machine's free memory.
    package static let defaultLimit = 8 << 30

    package let byteCount: Int
    private let base: UnsafeMutableRawPointer
    private let release: @Sendable () -> Void

    /// Zeroed memory of `byteCount` bytes.
    ///
    /// - Throws: `memory_limit`, before anything is taken, if `byteCount` is over `limit`.
    package init(byteCount: Int, limit: Int = TensorBuffer.defaultLimit) throws(Problem) {
        guard byteCount >= 0, byteCount <= limit else { throw Problem(.memoryLimit, "\(byteCount) bytes are over the limit of \(limit)") }
        if byteCount >= HugePages.worthwhile {
            let pages = try HugePages(byteCount: byteCount)
            self.byteCount = byteCount
            unsafe self.base = pages.base
            self.release = { pages.release() }
            return
        }
        // Not `allocate`, which ends the process where there is no memory.
        var memory: UnsafeMutableRawPointer?
        guard unsafe posix_memalign(&memory, Self.alignment, max(byteCount, 1)) == 0, let base = unsafe memory else {
            throw Problem(.memoryLimit, "no memory for \(byteCount) bytes")
        }
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        self.byteCount = byteCount
        unsafe self.base = base
        let owned = unsafe SendablePointer(base)
        self.release = { unsafe free(owned.pointer) }
    }

    /// A copy of `bytes`.
    package convenience init(_ bytes: [UInt8], limit: Int = TensorBuffer.defaultLimit) throws(Problem) {
        try self.init(byteCount: bytes.count, limit: limit)
        unsafe withUnsafeMutableBytes { raw in unsafe raw.copyBytes(from: bytes) }
    }

    /// Takes over memory that somebody else got, such as a mapped file; `release` is called once, when the last user is gone.
    ///
    /// The memory must stay valid and unchanged until then. A read-only mapping may be adopted: only `withUnsafeMutableBytes` writes.
    package init(adopting region: UnsafeMutableRawBufferPointer, release: @escaping @Sendable () -> Void) throws(Problem) {
        guard let base = region.baseAddress else { throw Problem(.memoryLimit, "no memory to adopt") }
        self.byteCount = region.count
        unsafe self.base = base
        self.release = release
    }

    deinit { release() }

    /// The bytes, for reading, during the call only.
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// The bytes, for the one writer, during the call only.
    package func withUnsafeMutableBytes<R, E: Error>(_ body: (UnsafeMutableRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }

    /// A copy, for small tensors and tests.
    package var bytes: [UInt8] { unsafe withUnsafeBytes { raw in unsafe [UInt8](raw) } }

    /// Whether elements of `byteCount` bytes may be read in place.
    func isAligned(to byteCount: Int) -> Bool { unsafe UInt(bitPattern: base) % UInt(byteCount) == 0 }
}

/// `@unchecked Sendable`: a pointer on its way into a deallocator, which is its only user and runs once.
@unsafe private struct SendablePointer: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    init(_ pointer: UnsafeMutableRawPointer) { unsafe self.pointer = unsafe pointer }
}
