import ChainClient
import Foundation
import Kernels
import Wire

/// `FILE.safetensors` or `FILE.safetensors#NAME`, as people write it.
struct TensorArgument {
    let path: String
    let name: String?

    init(_ text: String) {
        if let hash = text.lastIndex(of: "#") {
            path = String(text[..<hash])
            name = String(text[text.index(after: hash)...])
        } else {
            path = text
            name = nil
        }
    }
}

/// One tensor of a safetensors file, mapped: its bytes are read where they lie, not copied.
struct TensorFile {
    let path: String
    let tensor: Tensor
    /// Where its bytes lie in the file.
    let range: Range<Int>

    /// Opens and checks the whole header before anything else is read.
    /// - Parameter name: what the tensor is called in the job.
    /// - Throws: `io_failed`, `bad_tensor_file`, `bad_params` where the file has several tensors and none is named.
    init(_ argument: TensorArgument, as name: String) throws(Problem) {
        let map = try FileMap(argument.path)
        let header = try Self.header(map, argument.path)
        let entry = try header.entry(named: argument.name)
        let descriptor = try entry.descriptor(named: name)
        path = argument.path
        range = entry.fileRange
        guard entry.isMappable else {
            let buffer = try TensorBuffer(byteCount: descriptor.byteCount)
            unsafe map.withBytes { all in
                unsafe buffer.withUnsafeMutableBytes { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[entry.fileRange])) }
            }
            tensor = try Tensor(descriptor, buffer)
            return
        }
        tensor = try Tensor(descriptor, map.buffer(entry.fileRange))
    }

    /// Every tensor's name, dtype, shape and root.
    static func list(_ path: String) throws(Problem) -> SafetensorsHeader { try header(try FileMap(path), path) }

    private static func header(_ map: FileMap, _ path: String) throws(Problem) -> SafetensorsHeader {
        let start = map.prefix(8)
        guard start.count == 8 else { throw Problem(.badTensorFile, "\(path) is too short for a safetensors file") }
        let length = try SafetensorsHeader.headerLength(start: start, fileSize: map.byteCount)
        return try SafetensorsHeader.parse(prefix: map.prefix(8 + length), fileSize: map.byteCount)
    }

    /// The bytes as a body to send.
    func upload() throws(Problem) -> FileSource { try FileSource(path: path, offset: range.lowerBound, length: range.count) }
}

/// A read-only mapping of a whole file, released with its last user.
@safe final class FileMap: @unchecked Sendable {  // Immutable after init: the mapping is private and never written.
    let byteCount: Int
    private let base: UnsafeMutableRawPointer?

    init(_ path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(path) can't be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw Problem(.ioFailed, "\(path) is not a file") }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            unsafe base = nil
            return
        }
        let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { throw Problem(.ioFailed, "\(path) can't be mapped") }
        unsafe base = mapped
    }

    deinit { if let base = unsafe base { unsafe munmap(base, byteCount) } }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount)) }

    func prefix(_ count: Int) -> [UInt8] { unsafe withBytes { unsafe Array($0.prefix(count)) } }

    /// A part of the mapping as a tensor's memory; keeps the mapping alive.
    func buffer(_ range: Range<Int>) throws(Problem) -> TensorBuffer {
        guard let base = unsafe base, !range.isEmpty else { return try TensorBuffer(byteCount: 0) }
        let part = unsafe UnsafeMutableRawBufferPointer(start: base + range.lowerBound, count: range.count)
        return try unsafe TensorBuffer(adopting: part) { [self] in withExtendedLifetime(self) {} }
    }
}
