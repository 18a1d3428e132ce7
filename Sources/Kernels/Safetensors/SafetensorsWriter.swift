package import Wire

/// Lays out a safetensors file: header bytes first, then each tensor's bytes in `order`, packed.
///
/// Larger elements come first, and spaces after the header bring the data to a multiple of 64 bytes, so that
/// every tensor is aligned to its elements in a mapping and a single tensor to 64 bytes. Equal tensors give equal files.
package struct SafetensorsWriter: Sendable {
    /// The 8 bytes of length, the header and its padding.
    package let header: [UInt8]
    /// The tensors in the order in which their bytes follow.
    package let order: [TensorDescriptor]
    package let fileSize: Int

    /// - Throws: `bad_params` for two tensors of one name, or one called `__metadata__`; `bad_tensor_file` if the header is too long; `out_of_range` if the file is.
    package init(_ tensors: [TensorDescriptor], metadata: [String: String] = [:]) throws(Problem) {
        let order = tensors.sorted { ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name) }
        var members: [(String, JSON)] = []
        var names: Set<String> = ["__metadata__"]
        var offset = 0
        for tensor in order {
            guard names.insert(tensor.name).inserted else { throw Problem(.badParams, "two tensors called \(tensor.name), or a reserved name") }
            let end = try Checked.sum(offset, tensor.byteCount, "the file's size")
            guard end <= JSON.maxInteger else { throw Problem(.outOfRange, "the file's size overflows") }
            let entry: JSON = [
                "dtype": .string(tensor.dtype.rawValue), "shape": tensor.shapeJSON, "data_offsets": [.integer(Int64(offset)), .integer(Int64(end))],
            ]
            members.append((tensor.name, entry))
            offset = end
        }
        if !metadata.isEmpty {
            members.append(("__metadata__", .object(JSONObject(distinct: metadata.map { ($0.key, .string($0.value)) }))))
        }
        var text = JSON.object(try JSONObject(members)).canonicalBytes
        text += Array(repeating: UInt8(ascii: " "), count: (64 - (8 + text.count) % 64) % 64)
        guard text.count <= SafetensorsHeader.maximumHeaderBytes else { throw Problem(.badTensorFile, "a header of \(text.count) bytes is too long") }
        header = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
        fileSize = try Checked.sum(header.count, offset, "the file's size")
        self.order = order
    }
}
