import Kernels
import Testing
import Wire

/// `.npy` headers. The files are what NumPy 1.24 writes for `numpy.save`.
@Suite struct NumpyTests {
    /// A file with this dictionary, and `data` zero bytes.
    private func file(_ dictionary: String, version: UInt8 = 1, data: Int, length: Int? = nil) -> [UInt8] {
        let text = Array((dictionary + "\n").utf8)
        let count = length ?? text.count
        let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        return NumpyHeader.magic + [version, 0] + size + text + [UInt8](repeating: 0, count: data)
    }

    private func read(_ bytes: [UInt8]) throws(Problem) -> NumpyHeader {
        try NumpyHeader(prefix: Array(bytes.prefix(NumpyHeader.maximumBytes)), fileSize: bytes.count)
    }

    @Test(arguments: [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", DType.f64, [2, 3], 48),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }", .f32, [5], 20),
        ("{'descr': '|i1', 'fortran_order': False, 'shape': (), }", .i8, [], 1),
        ("{\"shape\": (4,), \"fortran_order\": True, \"descr\": \"<i8\"}  ", .i64, [4], 32),
        ("{'descr': '<i4', 'fortran_order': False, 'shape': (0, 7), }", .i32, [0, 7], 0),
    ])
    func whatNumPyWritesIsRead(dictionary: String, dtype: DType, shape: [Int], data: Int) throws {
        for version: UInt8 in 1...3 {
            let bytes = file(dictionary, version: version, data: data)
            let header = try read(bytes)
            #expect(header.dtype == dtype && header.shape == shape && header.fileRange == bytes.count - data..<bytes.count)
        }
    }

    @Test(arguments: [
        ("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", 8, Problem.Code.unsupportedDtype),
        ("{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }", 8, .unsupportedDtype),
        ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", 8, .unsupportedDtype),
        ("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1), }", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 9, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 8), }", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647), }", 8, .outOfRange),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296,), }", 8, .outOfRange),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 8, .outOfRange),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False}", 8, .badTensorFile),
        ("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", 8, .badTensorFile),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + 1", 8, .badTensorFile),
        ("{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}", 8, .badTensorFile),
        ("{'descr': '<f\\x38', 'fortran_order': False, 'shape': (1,)}", 8, .badTensorFile),
        ("__import__('os').system('true')", 8, .badTensorFile),
        ("", 8, .badTensorFile),
    ])
    func anythingElseIsRefused(dictionary: String, data: Int, code: Problem.Code) {
        #expect { try read(file(dictionary, data: data)) } throws: { ($0 as? Problem)?.code == code }
    }

    @Test func lengthsThatLieAreRefused() {
        let good = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
        for length in [0, 1, 20, 70, 65_535] {
            #expect { try read(file(good, data: 8, length: length)) } throws: { ($0 as? Problem)?.code == .badTensorFile }
        }
        #expect { try read(file(good, version: 2, data: 8, length: 0xFFFF_FFFF)) } throws: { ($0 as? Problem)?.code == .badTensorFile }
        #expect { try read(file(good, version: 4, data: 8)) } throws: { ($0 as? Problem)?.code == .badTensorFile }
        let whole = file(good, data: 8)
        for count in 0..<whole.count {
            #expect { try read(Array(whole.prefix(count))) } throws: { $0 is Problem }
        }
    }

    /// Whatever one byte becomes, the answer is a problem or a header whose bytes are there.
    @Test func noByteTraps() {
        let whole = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data: 24)
        for index in 0..<whole.count - 24 {
            for value in 0...255 {
                var bytes = whole
                bytes[index] = UInt8(value)
                guard let header = try? read(bytes) else { continue }
                #expect(header.fileRange.upperBound == whole.count && header.fileRange.count == header.shape.reduce(header.dtype.byteCount, *))
            }
        }
    }

    @Test(arguments: DType.allCases) func whatIsWrittenIsRead(dtype: DType) throws {
        for shape in [[], [3], [2, 5], [1, 0, 4], [7, 1, 1, 2]] {
            let descriptor = try TensorDescriptor(name: "y", dtype: dtype, shape: shape)
            guard dtype != .bf16 else {
                #expect { try NumpyHeader.bytes(for: descriptor) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
                continue
            }
            let bytes = try NumpyHeader.bytes(for: descriptor)
            #expect(bytes.count % 64 == 0 && bytes.last == UInt8(ascii: "\n"))
            let header = try read(bytes + [UInt8](repeating: 1, count: descriptor.byteCount))
            #expect(header.dtype == dtype && header.shape == shape && header.fileRange.lowerBound == bytes.count)
        }
    }
}
