import Kernels
import TensorFiles
import Wire

extension BlobStore {
    /// A blob's bytes in memory without a copy: the file is mapped for as long as the buffer lives.
    ///
    /// - Throws: `unknown_blob`; `shape_mismatch` unless the blob has `byteCount` bytes; `memory_limit`.
    func map(_ root: Digest, byteCount: Int) throws(Problem) -> TensorBuffer {
        guard fileBytes(root) != nil else {
            guard let bytes = smallBytes(root) else { throw Problem(.unknownBlob, "no blob has the root \(root.hex)") }
            guard bytes.count == byteCount else {
                throw Problem(.shapeMismatch, "the blob \(root.hex) has \(bytes.count) bytes, its shape needs \(byteCount)")
            }
            return try TensorBuffer(bytes)
        }
        let file: MappedFile
        do throws(Problem) {
            file = try MappedFile(path(root))
        } catch {
            throw error.code == .ioFailed ? Problem(.unknownBlob, "no blob has the root \(root.hex)") : error
        }
        guard file.byteCount == byteCount else {
            throw Problem(.shapeMismatch, "the blob \(root.hex) has \(file.byteCount) bytes, its shape needs \(byteCount)")
        }
        return try file.buffer()
    }
}
