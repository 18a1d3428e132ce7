import Glibc
import Synchronization
package import Wire

/// A second way into a file, past the page cache (O_DIRECT): for much that is written once, synced at once and not read soon.
///
/// Bytes that go through the cache are copied into pages that something else has to leave first, and the sync waits for them all the
/// same. Past it the disk reads them where they are, while the cores do other work. What does not fit the rules of this way, such as
/// a file's odd end, goes the usual way through the file's other descriptor; a sync of either covers both. Closed with the last
/// reference to it.
package final class DirectFile: Sendable {
    /// Addresses, offsets and lengths are multiples of this: what every disk's block size divides.
    package static let alignment = 4096

    /// Glibc's overlay leaves this name out.
    #if arch(arm64)
        private static let flag: Int32 = 0o200000
    #else
        private static let flag: Int32 = 0o40000
    #endif

    private let descriptor: Int32
    private let isRefused = Atomic(false)

    /// nil where the file system has no such way, or the file can't be opened; then everything goes the usual way.
    package init?(path: String) {
        descriptor = unsafe open(path, O_WRONLY | Self.flag | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Writes as many of the first bytes as go this way.
    ///
    /// - Returns: their number, a multiple of `alignment`; the caller writes the rest.
    /// - Throws: `io_failed`.
    package func write(_ raw: UnsafeRawBufferPointer, at offset: Int) throws(Problem) -> Int {
        let whole = raw.count - raw.count % Self.alignment
        guard let base = raw.baseAddress, Int(bitPattern: base) % Self.alignment == 0, offset % Self.alignment == 0 else { return 0 }
        var done = 0
        while done < whole, !isRefused.load(ordering: .relaxed) {
            let count = unsafe pwrite(descriptor, base + done, min(whole - done, 1 << 30), off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                // This disk wants more than whole pages.
                guard errno == EINVAL else { throw Problem(.ioFailed, "write failed with errno \(errno)") }
                isRefused.store(true, ordering: .relaxed)
                break
            }
            // A write that the disk cut short may leave the next one unaligned, which is refused, and goes the usual way.
            guard count > 0 else { break }
            done += count
        }
        return done
    }
}

/// Memory that a `DirectFile` can write from.
///
/// `@unchecked Sendable`: one holder at a time fills it, hands it on and gets it back.
@safe package final class AlignedBytes: @unchecked Sendable {
    package let capacity: Int
    package private(set) var count = 0
    private let base: UnsafeMutableRawPointer

    /// - Throws: `memory_limit` where there is no memory.
    package init(capacity: Int) throws(Problem) {
        var memory: UnsafeMutableRawPointer?
        guard capacity > 0, unsafe posix_memalign(&memory, DirectFile.alignment, capacity) == 0, let base = unsafe memory else {
            throw Problem(.memoryLimit, "no memory for \(capacity) bytes")
        }
        self.capacity = capacity
        unsafe self.base = base
    }

    deinit { unsafe free(base) }

    /// Appends as many of the first bytes as there is room for, and returns their number.
    package func append(_ raw: UnsafeRawBufferPointer) -> Int {
        let taken = min(raw.count, capacity - count)
        if taken > 0, let source = raw.baseAddress { unsafe (base + count).copyMemory(from: source, byteCount: taken) }
        count += taken
        return taken
    }

    /// Keeps the first bytes only.
    package func truncate(to count: Int) { self.count = max(0, min(count, self.count)) }

    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }
}
