import Kernels
import Wire

/// `.npy` files: what the header says is exactly what the file holds, and our own writer says the same again.
enum FuzzNumpy {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let prefix = Array(bytes.prefix(NumpyHeader.maximumBytes))
        // The last bytes choose a size, so that shapes of large arrays are reached without their bytes; a header alone may be all there is.
        let chosen = bytes.suffix(6).reduce(0) { $0 << 8 | Int($1) }
        let end = accepted { () throws(Problem) in try dataStart(prefix) }
        for size in [bytes.count, Int.max, chosen, end ?? 0, (end ?? 0) + chosen] {
            guard let header = accepted({ () throws(Problem) in try NumpyHeader(prefix: prefix, fileSize: size) }) else { continue }
            try check(header, prefix, fileSize: size)
        }
    }

    /// Where the data would begin, by the header's own length.
    private static func dataStart(_ prefix: [UInt8]) throws(Problem) -> Int {
        guard prefix.count >= 12 else { throw Problem(.badTensorFile, "short") }
        return prefix[6] == 1 ? 10 + Int(prefix[8]) + Int(prefix[9]) << 8 : 12 + prefix[8..<12].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func check(_ header: NumpyHeader, _ prefix: [UInt8], fileSize: Int) throws(FuzzTarget.Broken) {
        try demand(NumpyHeader.isNumpy(prefix), "accepted without the magic")
        try demand(header.fileRange.upperBound == fileSize, "the data does not end with the file")
        try demand((12...prefix.count).contains(header.fileRange.lowerBound), "the header ends outside of what was read")
        guard let tensor = accepted({ () throws(Problem) in try TensorDescriptor(name: "array", dtype: header.dtype, shape: header.shape) }) else {
            throw FuzzTarget.Broken("an array that no tensor can be")
        }
        try demand(tensor.byteCount == header.fileRange.count, "the shape has another size than the data")
        guard let written = accepted({ () throws(Problem) in try NumpyHeader.bytes(for: tensor) }) else { throw FuzzTarget.Broken("it can't be written") }
        try demand(written.count % 64 == 0, "our own header is not aligned")
        let again = accepted { () throws(Problem) in try NumpyHeader(prefix: written, fileSize: written.count + tensor.byteCount) }
        try demand(again?.dtype == header.dtype && again?.shape == header.shape, "our own header is read otherwise")
        try demand(again?.fileRange.lowerBound == written.count, "our own data begins elsewhere")
    }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let tensors: [(String, DType, [Int])] = [
            ("matrix", .f64, [2, 3]), ("vector", .f32, [5]), ("scalar", .i8, []), ("empty", .i32, [0, 7]), ("deep", .i64, [1, 2, 1, 2, 1, 1, 1, 2]),
        ]
        var seeds: [(name: String, bytes: [UInt8])] = []
        for (name, dtype, shape) in tensors {
            let tensor = try TensorDescriptor(name: name, dtype: dtype, shape: shape)
            seeds.append((name, try NumpyHeader.bytes(for: tensor) + [UInt8](repeating: 1, count: tensor.byteCount)))
        }
        // As NumPy writes them: version 3 with a wide length, and columns first where there is one.
        let wide = Array("{\"shape\": (4,), \"fortran_order\": True, \"descr\": \"<i8\"}  \n".utf8)
        let large = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (65536, 32768), }\n".utf8)
        return seeds + [
            ("version-3", NumpyHeader.magic + [3, 0, UInt8(wide.count), 0, 0, 0] + wide + [UInt8](repeating: 0, count: 32)),
            ("large", NumpyHeader.magic + [1, 0, UInt8(large.count), 0] + large + [0, 2, 0, 0, 0, 0]),
        ]
    }
}
