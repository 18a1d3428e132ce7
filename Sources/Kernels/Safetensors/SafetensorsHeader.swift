package import Wire

/// The checked header of a safetensors file: which tensors it holds, and where.
///
/// A file is 8 bytes of little-endian header length, the header (a JSON object from names to `{"dtype", "shape", "data_offsets"}`, with an
/// optional `__metadata__` of strings), then the data, which the tensors fill without gaps or overlaps, each aligned to its elements.
/// Everything is checked against the file's size before memory is taken; every refusal has the code `bad_tensor_file`.
/// This type never sees the data: callers read or map `fileRange`.
/// Source: huggingface/safetensors, README "Format"; stricter in alignment and in what JSON it reads.
package struct SafetensorsHeader: Sendable, Equatable {
    /// 16 MiB: some 100,000 tensors. The format's own cap is 100 MB.
    package static let maximumHeaderBytes = 16 << 20

    /// One tensor of a file. Its format may be one that no kernel here reads.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let dtype: String
        package let shape: [Int]
        /// The bytes of the tensor in the file.
        package let fileRange: Range<Int>

        /// Throws `unsupported_dtype` if the format is not one of `DType`.
        /// - Parameter name: what the tensor is called from here on; its own name if nil.
        package func descriptor(named name: String? = nil) throws(Problem) -> TensorDescriptor {
            guard let dtype = DType(rawValue: dtype) else { throw Problem(.unsupportedDtype, "tensor \(self.name) is of \(self.dtype)") }
            return try TensorDescriptor(name: name ?? self.name, dtype: dtype, shape: shape)
        }

        /// Whether a mapping of the whole file shows the elements aligned; if not, the caller copies them into a `TensorBuffer`.
        package var isMappable: Bool {
            DType(rawValue: dtype).map { fileRange.lowerBound % $0.byteCount == 0 } ?? false
        }
    }

    /// In the order of the file.
    package let entries: [Entry]
    package let metadata: [String: String]

    /// The header's length, from the first 8 bytes of a file.
    ///
    /// - Parameters: start: at least 8 bytes; fileSize: of the whole file.
    package static func headerLength(start: [UInt8], fileSize: Int) throws(Problem) -> Int {
        guard start.count >= 8, fileSize >= 8 else { throw bad("no room for the header's length") }
        let length = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length >= 2, length <= UInt64(maximumHeaderBytes) else { throw bad("a header of \(length) bytes, not 2...\(maximumHeaderBytes)") }
        guard Int(length) <= fileSize - 8 else { throw bad("the header is longer than the file") }
        return Int(length)
    }

    /// Reads the header.
    ///
    /// - Parameters: prefix: the file's first 8 + `headerLength` bytes, or more; fileSize: of the whole file.
    package static func parse(prefix: [UInt8], fileSize: Int) throws(Problem) -> SafetensorsHeader {
        let length = try headerLength(start: prefix, fileSize: fileSize)
        guard prefix.count >= 8 + length else { throw bad("the header ends too early") }
        guard prefix[8] == UInt8(ascii: "{") else { throw bad("the header does not start with {") }
        do throws(Problem) {
            return try SafetensorsHeader(try JSON.parse(Array(prefix[8..<8 + length])), dataStart: 8 + length, fileSize: fileSize)
        } catch {
            throw error.code == .badTensorFile ? error : bad(error.description)
        }
    }

    private init(_ json: JSON, dataStart: Int, fileSize: Int) throws(Problem) {
        guard case .object(let object) = json else { throw Self.bad("the header is not an object") }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for (name, value) in object.members {
            if name == "__metadata__" {
                guard case .object(let texts) = value else { throw Self.bad("__metadata__ is not an object") }
                for (key, text) in texts.members {
                    guard case .string(let text) = text else { throw Self.bad("__metadata__ holds something that is not a string") }
                    metadata[key] = text
                }
            } else {
                entries.append(try Self.entry(name, value, dataStart: dataStart, dataSize: fileSize - dataStart))
            }
        }
        entries.sort { ($0.fileRange.lowerBound, $0.fileRange.upperBound, $0.name) < ($1.fileRange.lowerBound, $1.fileRange.upperBound, $1.name) }
        var end = dataStart
        for entry in entries {
            guard entry.fileRange.lowerBound == end else {
                throw Self.bad("tensor \(entry.name.prefix(64)) \(entry.fileRange.lowerBound < end ? "overlaps the one before" : "leaves a gap before it")")
            }
            end = entry.fileRange.upperBound
        }
        guard end == fileSize else { throw Self.bad("\(fileSize - end) bytes at the end belong to no tensor") }
        self.entries = entries
        self.metadata = metadata
    }

    private static func entry(_ name: String, _ json: JSON, dataStart: Int, dataSize: Int) throws(Problem) -> Entry {
        let shown = name.prefix(64)
        guard (1...256).contains(name.utf8.count) else { throw bad("a name of \(name.utf8.count) bytes") }
        var fields = try JSONFields(json, "tensor \(shown)")
        let dtype = try fields.string("dtype", maxBytes: 16)
        let shape = try TensorDescriptor.shape(reading: &fields)
        let offsets = try fields.array("data_offsets", maxCount: 2)
        try fields.finish()
        guard let elementBytes = elementByteCounts[dtype] else { throw bad("tensor \(shown) has an unknown dtype") }
        guard offsets.count == 2, case .integer(let begin) = offsets[0], case .integer(let end) = offsets[1] else {
            throw bad("tensor \(shown): data_offsets are not two integers")
        }
        guard begin <= end, end <= Int64(dataSize) else { throw bad("tensor \(shown) lies outside the file") }
        guard begin % Int64(elementBytes) == 0 else { throw bad("tensor \(shown) is not aligned to its elements") }
        var byteCount = elementBytes
        for dimension in shape { byteCount = try Checked.product(byteCount, dimension, "the size of tensor \(shown)") }
        guard end - begin == Int64(byteCount) else { throw bad("tensor \(shown) has \(end - begin) bytes, its shape needs \(byteCount)") }
        return Entry(name: name, dtype: dtype, shape: shape, fileRange: dataStart + Int(begin)..<dataStart + Int(end))
    }

    /// Every format of the file format whose elements are whole bytes.
    private static let elementByteCounts = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
        "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
    ]

    /// The only tensor of a file, or the one called `name`. Throws `bad_params` if there is no such, or no single one.
    package func entry(named name: String?) throws(Problem) -> Entry {
        if let name {
            guard let entry = entries.first(where: { $0.name == name }) else { throw Problem(.badParams, "no tensor \"\(name.prefix(64))\" in the file") }
            return entry
        }
        guard entries.count == 1 else { throw Problem(.badParams, "the file has \(entries.count) tensors; say which one") }
        return entries[0]
    }

    private static func bad(_ detail: String) -> Problem { Problem(.badTensorFile, detail) }
}
