import Glibc
package import Kernels
package import Wire

/// A whole file in memory, read-only and without a copy, for as long as anybody uses it.
///
/// A file must not be cut while it is mapped: a read beyond its new end ends the process. The services map only files
/// of their own, which are written once under a temporary name and never changed after.
@safe package final class MappedFile: @unchecked Sendable {  // Immutable after init, and nobody writes to the mapping.
    package let byteCount: Int
    private let base: UnsafeMutableRawPointer?

    /// - Throws: `io_failed` where the file can't be opened or is no regular file, `memory_limit` where it can't be mapped.
    package init(_ path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failed("\(path) can't be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failed("\(path) can't be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(.ioFailed, "\(path) is no regular file") }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            unsafe base = nil
            return
        }
        let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw Problem(.memoryLimit, Self.failed("\(path) can't be mapped").detail)
        }
        unsafe base = mapped
        // Best effort: one call instead of a fault for each page, which is what a pass over a fresh mapping spends its time on.
        if unsafe madvise(mapped, byteCount, Self.madvisePopulateRead) != 0 { _ = unsafe madvise(mapped, byteCount, Int32(MADV_WILLNEED)) }
    }

    deinit { if let base = unsafe base { _ = unsafe munmap(base, byteCount) } }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount)) }

    /// A copy of the first `count` bytes, or of all if there are fewer.
    package func prefix(_ count: Int) -> [UInt8] { unsafe withUnsafeBytes { unsafe Array($0.prefix(count)) } }

    /// A part of the file as a tensor's memory, which keeps the mapping alive; the whole file where no range is given.
    package func buffer(_ range: Range<Int>? = nil) throws(Problem) -> TensorBuffer {
        let range = range ?? 0..<byteCount
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "a range of the file")
        guard let base = unsafe base, !range.isEmpty else { return try TensorBuffer(byteCount: 0) }
        let part = unsafe UnsafeMutableRawBufferPointer(start: base + range.lowerBound, count: range.count)
        return try unsafe TensorBuffer(adopting: part) { [self] in withExtendedLifetime(self) {} }
    }

    /// Since Linux 5.14; Glibc 2.36 has the name, its Swift overlay has not.
    private static let madvisePopulateRead: Int32 = 22

    private static func failed(_ what: String) -> Problem { Problem(.ioFailed, "\(what): \(unsafe String(cString: strerror(errno)))") }
}
