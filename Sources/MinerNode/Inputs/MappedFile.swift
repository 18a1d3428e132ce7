import Foundation
import Kernels
import Wire

/// Maps files of tensor bytes into memory, read-only.
enum MappedFile {
    /// The bytes of a file that has exactly `byteCount`; unmapped when the last user of the buffer is gone.
    ///
    /// - Throws: `io_failed`; `blob_mismatch` for another size.
    static func buffer(_ path: String, byteCount: Int) throws(Problem) -> TensorBuffer {
        guard byteCount > 0 else { return try TensorBuffer(byteCount: 0) }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "an input can't be opened (errno \(errno))") }
        defer { close(descriptor) }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0, Int(info.st_size) == byteCount else { throw Problem(.blobMismatch, "an input's file has another size") }
        guard let base = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), unsafe base != MAP_FAILED else {
            throw Problem(.memoryLimit, "an input can't be mapped (errno \(errno))")
        }
        unsafe madvise(base, byteCount, Int32(MADV_WILLNEED))
        let region = unsafe Region(base: base, byteCount: byteCount)
        return try unsafe TensorBuffer(adopting: UnsafeMutableRawBufferPointer(start: base, count: byteCount)) { region.unmap() }
    }

    /// A mapping on its way to its end.
    ///
    /// `@unchecked Sendable`: only the buffer's last user calls `unmap`, once.
    @safe private struct Region: @unchecked Sendable {
        private let base: UnsafeMutableRawPointer
        private let byteCount: Int

        init(base: UnsafeMutableRawPointer, byteCount: Int) {
            unsafe self.base = unsafe base
            self.byteCount = byteCount
        }

        func unmap() { unsafe munmap(base, byteCount) }
    }
}
