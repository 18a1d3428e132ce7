package import Wire

/// The checked header of a `.npy` file: one array, row by row, from its data's start to the file's end.
///
/// A file is `\x93NUMPY`, a version of two bytes, the header's length (two bytes in version 1, four in 2 and 3), and a Python dictionary
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` with spaces and a line's end after it. It is read as exactly that: no
/// Python is evaluated. Everything is checked against the file's size before memory is taken.
/// Source: NumPy, numpy/lib/format.py, "Format Version 1.0" to "3.0".
package struct NumpyHeader: Sendable, Equatable {
    package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// NumPy's own limit is 10,000 bytes where nobody lifts it.
    package static let maximumBytes = 16_384

    package let dtype: DType
    package let shape: [Int]
    /// The array's bytes in the file.
    package let fileRange: Range<Int>

    package static func isNumpy(_ start: [UInt8]) -> Bool { start.starts(with: magic) }

    /// Reads the header.
    ///
    /// - Parameters:
    ///   - prefix: the file's first `maximumBytes`, or all of a shorter one.
    ///   - fileSize: of the whole file.
    /// - Throws: `bad_tensor_file`, `unsupported_dtype`, `out_of_range` for a shape that nothing holds.
    package init(prefix: [UInt8], fileSize: Int) throws(Problem) {
        guard Self.isNumpy(prefix), prefix.count >= 12 else { throw Self.bad("no .npy file: it does not begin as one") }
        let lengthBytes = prefix[6] == 1 ? 2 : 4
        guard (1...3).contains(prefix[6]), prefix[7] == 0 else { throw Self.bad("version \(prefix[6]).\(prefix[7]) of .npy, not 1.0 to 3.0") }
        let length = prefix[8..<8 + lengthBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = 8 + lengthBytes + length
        guard start <= Self.maximumBytes, start <= prefix.count, start <= fileSize else { throw Self.bad("a header of \(length) bytes") }
        var scanner = PythonScanner(prefix[8 + lengthBytes..<start])
        let (descr, isColumnMajor, shape) = try Self.dictionary(&scanner)
        guard let dtype = Self.dtypes[descr] else {
            throw Problem(.unsupportedDtype, "an array of '\(descr.prefix(16))'; save it as one of \(Self.dtypes.keys.sorted().joined(separator: ", "))")
        }
        guard !isColumnMajor || shape.count < 2 else { throw Self.bad("the array lies column by column; save numpy.ascontiguousarray(x)") }
        let size = try TensorDescriptor(name: "array", dtype: dtype, shape: shape).byteCount
        guard fileSize - start == size else { throw Self.bad("\(fileSize - start) bytes of data, its shape needs \(size)") }
        (self.dtype, self.shape, fileRange) = (dtype, shape, start..<fileSize)
    }

    /// The bytes before a tensor's own, in version 1.0, so long that the data begins at a multiple of 64.
    ///
    /// - Throws: `unsupported_dtype` for a format that NumPy has no name for.
    package static func bytes(for tensor: TensorDescriptor) throws(Problem) -> [UInt8] {
        guard let descr = dtypes.first(where: { $0.value == tensor.dtype })?.key else {
            throw Problem(.unsupportedDtype, "NumPy has no \(tensor.dtype.rawValue); write safetensors")
        }
        let shape = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.shape.count == 1 ? "," : "")
        var text = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(shape)), }".utf8)
        text += Array(repeating: UInt8(ascii: " "), count: (64 - (10 + text.count + 1) % 64) % 64) + [UInt8(ascii: "\n")]
        return magic + [1, 0, UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)] + text
    }

    private static let dtypes: [String: DType] = ["<f8": .f64, "<f4": .f32, "|i1": .i8, "<i4": .i32, "<i8": .i64]

    /// The three members, each once and in any order.
    private static func dictionary(_ scanner: inout PythonScanner) throws(Problem) -> (descr: String, isColumnMajor: Bool, shape: [Int]) {
        var descr: String?
        var isColumnMajor: Bool?
        var shape: [Int]?
        try scanner.expect("{")
        while !scanner.take("}") {
            let key = try scanner.text()
            try scanner.expect(":")
            switch key {
            case "descr" where descr == nil: descr = try scanner.text()
            case "fortran_order" where isColumnMajor == nil: isColumnMajor = try scanner.truth()
            case "shape" where shape == nil: shape = try scanner.integers(atMost: TensorDescriptor.maximumRank)
            default: throw bad("the header has a second or unknown member '\(key.prefix(32))'")
            }
            if !scanner.take(",") {
                try scanner.expect("}")
                break
            }
        }
        guard scanner.isAtEnd else { throw bad("something follows the header's dictionary") }
        guard let descr, let isColumnMajor, let shape else { throw bad("the header lacks descr, fortran_order or shape") }
        return (descr, isColumnMajor, shape)
    }

    fileprivate static func bad(_ detail: String) -> Problem { Problem(.badTensorFile, detail) }
}

/// Reads the little of Python that a header is made of.
private struct PythonScanner {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    private mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D } }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return rest.isEmpty
        }
    }

    /// Whether `word` comes next; it is passed over then.
    mutating func take(_ word: String) -> Bool {
        skipSpace()
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    mutating func expect(_ word: String) throws(Problem) {
        guard take(word) else { throw NumpyHeader.bad("the header is not {'descr': …, 'fortran_order': …, 'shape': …}") }
    }

    /// A text between single or double quotes, without escapes.
    mutating func text() throws(Problem) -> String {
        skipSpace()
        // A list stands where the array has fields: no kernel takes those.
        if rest.first == UInt8(ascii: "[") { throw Problem(.unsupportedDtype, "an array with fields; save one of them") }
        guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
            let end = rest.dropFirst().firstIndex(of: quote)
        else { throw NumpyHeader.bad("a text in the header has no quotes") }
        let bytes = rest[rest.startIndex + 1..<end]
        guard bytes.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) else { throw NumpyHeader.bad("a text in the header is not plain") }
        rest = rest[(end + 1)...]
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func truth() throws(Problem) -> Bool {
        if take("True") { return true }
        if take("False") { return false }
        throw NumpyHeader.bad("fortran_order is neither True nor False")
    }

    /// A tuple of integers, 0 … 2^31−1 each.
    mutating func integers(atMost most: Int) throws(Problem) -> [Int] {
        var integers: [Int] = []
        try expect("(")
        while !take(")") {
            skipSpace()
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard (1...10).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)) else {
                throw NumpyHeader.bad("the shape is not a tuple of integers")
            }
            rest = rest.dropFirst(digits.count)
            integers.append(number)
            guard integers.count <= most else { throw Problem(.outOfRange, "an array of more than \(most) dimensions") }
            if !take(",") {
                try expect(")")
                break
            }
        }
        return integers
    }
}
