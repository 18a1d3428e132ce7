import ChainClient
import Foundation
import Kernels
import TensorFiles
import Wire

/// `FILE.safetensors`, `FILE.safetensors#NAME` or `FILE.npy`, as people write it.
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

/// One tensor of a file, mapped: its bytes are read where they lie, not copied. What a file is, its first bytes tell.
struct TensorFile: JobInput {
    let path: String
    let tensor: Tensor
    /// Where its bytes lie in the file.
    let range: Range<Int>

    /// Opens and checks the whole header before anything else is read.
    /// - Parameter name: what the tensor is called in the job.
    /// - Throws: `io_failed`, `bad_tensor_file`, `bad_params` where the file has several tensors and none is named.
    init(_ argument: TensorArgument, as name: String) throws(Problem) {
        self = try Self.naming(argument.path) { () throws(Problem) in
            let map = try MappedFile(argument.path)
            if let header = try Self.numpy(map, argument) {
                return try TensorFile(map, argument.path, try TensorDescriptor(name: name, dtype: header.dtype, shape: header.shape), header.fileRange)
            }
            let entry = try Self.entry(of: try Self.safetensors(map, argument.path), argument)
            return try TensorFile(map, argument.path, try entry.descriptor(named: name), entry.fileRange)
        }
    }

    /// Says which file it is that something is wrong with.
    private static func naming<Value>(_ path: String, _ body: () throws(Problem) -> Value) throws(Problem) -> Value {
        do throws(Problem) {
            return try body()
        } catch {
            throw error.detail.contains(path) ? error : Problem(error.code, "\(path): \(error.detail)")
        }
    }

    /// The tensor that is meant. Throws `bad_params`, with the names that there are.
    private static func entry(of header: SafetensorsHeader, _ argument: TensorArgument) throws(Problem) -> SafetensorsHeader.Entry {
        let names = header.entries.map(\.name)
        let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
        if let name = argument.name {
            guard !names.contains(name) else { return try header.entry(named: name) }
            throw Problem(.badParams, "\(argument.path) has no tensor \"\(name.prefix(64))\"; it has \(names.isEmpty ? "none" : shown)")
        }
        guard names.count != 1, let first = names.first else { return try header.entry(named: nil) }
        throw Problem(
            .badParams, "\(argument.path) has \(names.count) tensors, \(shown); say which one after a #, such as \(argument.path)#\(first)")
    }

    private init(_ map: MappedFile, _ path: String, _ descriptor: TensorDescriptor, _ range: Range<Int>) throws(Problem) {
        self.path = path
        self.range = range
        guard range.lowerBound % descriptor.dtype.byteCount == 0 else {
            let buffer = try TensorBuffer(byteCount: descriptor.byteCount)
            unsafe map.withUnsafeBytes { all in
                unsafe buffer.withUnsafeMutableBytes { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[range])) }
            }
            tensor = try Tensor(descriptor, buffer)
            return
        }
        tensor = try Tensor(descriptor, map.buffer(range))
    }

    /// All tensors of a file, or the one that is named. The array of a `.npy` file, which has no name there, is called `array`.
    static func list(_ argument: TensorArgument) throws(Problem) -> [TensorFile] {
        try naming(argument.path) { () throws(Problem) in try all(argument) }
    }

    private static func all(_ argument: TensorArgument) throws(Problem) -> [TensorFile] {
        let map = try MappedFile(argument.path)
        if try numpy(map, argument) != nil { return [try TensorFile(argument, as: "array")] }
        let header = try safetensors(map, argument.path)
        var files: [TensorFile] = []
        for entry in try argument.name == nil ? header.entries : [entry(of: header, argument)] {
            files.append(try TensorFile(map, argument.path, try entry.descriptor(), entry.fileRange))
        }
        return files
    }

    private static func numpy(_ map: MappedFile, _ argument: TensorArgument) throws(Problem) -> NumpyHeader? {
        let prefix = map.prefix(NumpyHeader.maximumBytes)
        guard NumpyHeader.isNumpy(prefix) else { return nil }
        guard argument.name == nil else { throw Problem(.badParams, "\(argument.path) is a .npy file: its one array has no name") }
        return try NumpyHeader(prefix: prefix, fileSize: map.byteCount)
    }

    private static func safetensors(_ map: MappedFile, _ path: String) throws(Problem) -> SafetensorsHeader {
        let start = map.prefix(8)
        // A zip archive's first bytes (APPNOTE 4.3.7).
        if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            throw Problem(.badTensorFile, "\(path) is an archive such as .npz; save each array alone with numpy.save, as a .npy file")
        }
        let length64 = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard start.count == 8, length64 <= UInt64(SafetensorsHeader.maximumHeaderBytes) else {
            throw Problem(.badTensorFile, "\(path) is neither a .npy nor a safetensors file")
        }
        let length = try SafetensorsHeader.headerLength(start: start, fileSize: map.byteCount)
        return try SafetensorsHeader.parse(prefix: map.prefix(8 + length), fileSize: map.byteCount)
    }

    var file: String? { path }
    var place: String { "\(range) of \(path)" }

    func upload() throws(Problem) -> any UploadSource { try FileSource(path: path, offset: range.lowerBound, length: range.count) }
}
