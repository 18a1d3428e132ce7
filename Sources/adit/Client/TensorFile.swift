import ChainClient
import Foundation
import Kernels
import TensorFiles
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
        let map = try MappedFile(argument.path)
        let header = try Self.header(map, argument.path)
        let entry = try header.entry(named: argument.name)
        let descriptor = try entry.descriptor(named: name)
        path = argument.path
        range = entry.fileRange
        guard entry.isMappable else {
            let buffer = try TensorBuffer(byteCount: descriptor.byteCount)
            unsafe map.withUnsafeBytes { all in
                unsafe buffer.withUnsafeMutableBytes { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[entry.fileRange])) }
            }
            tensor = try Tensor(descriptor, buffer)
            return
        }
        tensor = try Tensor(descriptor, map.buffer(entry.fileRange))
    }

    /// Every tensor's name, dtype, shape and root.
    static func list(_ path: String) throws(Problem) -> SafetensorsHeader { try header(try MappedFile(path), path) }

    private static func header(_ map: MappedFile, _ path: String) throws(Problem) -> SafetensorsHeader {
        let start = map.prefix(8)
        guard start.count == 8 else { throw Problem(.badTensorFile, "\(path) is too short for a safetensors file") }
        let length = try SafetensorsHeader.headerLength(start: start, fileSize: map.byteCount)
        return try SafetensorsHeader.parse(prefix: map.prefix(8 + length), fileSize: map.byteCount)
    }

    /// The bytes as a body to send.
    func upload() throws(Problem) -> FileSource { try FileSource(path: path, offset: range.lowerBound, length: range.count) }
}
