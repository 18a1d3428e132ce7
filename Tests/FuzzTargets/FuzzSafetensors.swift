import Kernels
import Wire

/// Tensor files: what the header says lies inside the file, and our own writer says the same again.
enum FuzzSafetensors {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        // The header may promise a file far larger than what was read.
        var sizes = [bytes.count, Int.max, 1 << 53]
        if let length = accepted({ () throws(Problem) in try SafetensorsHeader.headerLength(start: bytes, fileSize: .max) }) {
            try demand(length <= SafetensorsHeader.maximumHeaderBytes, "a header over the limit")
            if bytes.count > 8 + length {
                // The first bytes of the data choose a size, so that large tensors are reached without their bytes.
                let chosen = bytes[(8 + length)...].prefix(6).reduce(0) { $0 << 8 | Int($1) }
                sizes.append(8 + length + chosen)
            }
        }
        for size in sizes {
            guard let header = accepted({ () throws(Problem) in try SafetensorsHeader.parse(prefix: bytes, fileSize: size) }) else { continue }
            try check(header, fileSize: size)
        }
    }

    private static func check(_ header: SafetensorsHeader, fileSize: Int) throws(FuzzTarget.Broken) {
        var end = header.entries.first?.fileRange.lowerBound ?? fileSize
        var tensors: [TensorDescriptor] = []
        for entry in header.entries {
            try demand(entry.fileRange.lowerBound == end, "a gap or an overlap")
            end = entry.fileRange.upperBound
            guard let tensor = accepted({ () throws(Problem) in try entry.descriptor() }) else { continue }
            try demand(tensor.byteCount == entry.fileRange.count, "the descriptor has another size")
            tensors.append(tensor)
        }
        try demand(end == fileSize, "bytes that belong to no tensor")
        guard let written = accepted({ () throws(Problem) in try SafetensorsWriter(tensors, metadata: header.metadata) }) else { return }
        guard let again = accepted({ () throws(Problem) in try SafetensorsHeader.parse(prefix: written.header, fileSize: written.fileSize) }) else {
            throw FuzzTarget.Broken("our own file isn't read")
        }
        try demand(again.metadata == header.metadata, "metadata changed")
        try demand(again.entries.count == tensors.count, "a tensor is lost")
        for tensor in tensors {
            let found = again.entries.first { $0.name.utf8.elementsEqual(tensor.name.utf8) }
            try demand(found?.shape == tensor.shape && found?.dtype == tensor.dtype.rawValue, "a tensor changed")
        }
    }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let a = try TensorDescriptor(name: "a", dtype: .f32, shape: [2, 3])
        let b = try TensorDescriptor(name: "b", dtype: .i8, shape: [5])
        let scalar = try TensorDescriptor(name: "s", dtype: .f64, shape: [])
        let empty = try TensorDescriptor(name: "none", dtype: .i8, shape: [0, 4])
        var seeds: [(name: String, bytes: [UInt8])] = []
        for (name, tensors) in [("two", [a, b]), ("scalar", [scalar]), ("empty", [empty]), ("nothing", [])] {
            let file = try SafetensorsWriter(tensors, metadata: ["made": "by us"])
            seeds.append((name, file.header + [UInt8](repeating: 1, count: file.fileSize - file.header.count)))
        }
        let text = #"{"x":{"dtype":"F16","shape":[65536,65536],"data_offsets":[0,8589934592]}}"#
        let large = (0..<8).map { UInt8(truncatingIfNeeded: text.utf8.count >> (8 * $0)) } + Array(text.utf8) + [0, 2, 0, 0, 0, 0]
        return seeds + [("large", large)]
    }
}
