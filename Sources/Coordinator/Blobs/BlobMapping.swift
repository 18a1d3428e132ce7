import Glibc
import Kernels
import Wire

extension BlobStore {
    /// A blob's bytes in memory without a copy: the file is mapped for as long as the buffer lives.
    ///
    /// - Throws: `unknown_blob`; `shape_mismatch` unless the blob has `byteCount` bytes; `io_failed`.
    func map(_ root: Digest, byteCount: Int) throws(Problem) -> TensorBuffer {
        let descriptor = unsafe open(path(root), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.unknownBlob, "no blob has the root \(root.hex)") }
        defer { close(descriptor) }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { throw Self.failure("fstat") }
        guard Int(info.st_size) == byteCount else {
            throw Problem(.shapeMismatch, "the blob \(root.hex) has \(info.st_size) bytes, its shape needs \(byteCount)")
        }
        guard byteCount > 0 else { return try TensorBuffer(byteCount: 0) }
        guard let base = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0), unsafe base != MAP_FAILED else {
            throw Self.failure("mmap")
        }
        let address = UInt(bitPattern: base)
        return try unsafe TensorBuffer(adopting: UnsafeMutableRawBufferPointer(start: base, count: byteCount)) {
            _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount)
        }
    }
}
