import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct SafetensorsTests {
    /// A file's bytes: length, header text, data.
    private func file(_ header: String, data: Int, length: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        let length = length ?? UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + text + Array(repeating: 7, count: data)
    }

    private func parse(_ bytes: [UInt8]) throws -> SafetensorsHeader { try SafetensorsHeader.parse(prefix: bytes, fileSize: bytes.count) }

    @Test func `a good header, with metadata and formats of others`() throws {
        let bytes = file(
            #"{"__metadata__":{"format":"pt"},"y":{"dtype":"U8","shape":[3],"data_offsets":[12,15]},"x":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}  "#,
            data: 15)
        let header = try parse(bytes)
        #expect(header.metadata == ["format": "pt"])
        #expect(header.entries.map(\.name) == ["x", "y"])
        #expect(header.entries[0].fileRange == bytes.count - 15..<bytes.count - 3)
        let descriptor = try header.entry(named: "x").descriptor(named: "a")
        #expect(descriptor == (try TensorDescriptor(name: "a", dtype: .f32, shape: [1, 3])))
        #expect { try header.entry(named: "y").descriptor() } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
        #expect { try header.entry(named: nil) } throws: { ($0 as? Problem)?.code == .badParams }
        #expect { try header.entry(named: "z") } throws: { ($0 as? Problem)?.code == .badParams }
    }

    @Test func `empty files and empty tensors`() throws {
        #expect(try parse(file("{}", data: 0)).entries.isEmpty)
        let header = try parse(file(#"{"x":{"dtype":"F64","shape":[0,5],"data_offsets":[0,0]},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}"#, data: 8))
        #expect(header.entries.map(\.name) == ["x", "s"])
    }

    @Test(arguments: [
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "overlaps"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "overlaps"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "gap"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#, 12, "gap"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "belong to no tensor"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "outside"),
        (#"{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "its shape needs"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "outside"),
        (#"{"y":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}}"#, 10, "not aligned"),
        (#"{"x":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}"#, 8, "overflows"),
        (#"{"x":{"dtype":"F32","shape":[4294967296],"data_offsets":[0,8]}}"#, 8, "dimension"),
        (#"{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, ""),
        (#"{"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, 8, ""),
        (#"{"x":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#, 8, "more than 8"),
        (#"{"x":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#, 8, "unknown dtype"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8, "two integers"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#, 8, "more than 2"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}"#, 8, "unknown member"),
        (#"{"x":{"dtype":"F32","shape":[2]}}"#, 8, "data_offsets"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, 16, "twice"),
        (#"{"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "name"),
        (#"{"x":7}"#, 8, "not an object"), (#"{"__metadata__":{"a":1}}"#, 0, "string"), (#"{"__metadata__":[]}"#, 0, "object"),
        (#" {}"#, 0, "start with {"), (#"[]"#, 0, "start with {"), (#"{"x""#, 0, ""),
    ])
    func `a header that lies is refused`(header: String, data: Int, reason: String) throws {
        let bytes = file(header, data: data)
        #expect {
            try parse(bytes)
        } throws: { error in
            guard let problem = error as? Problem else { return false }
            return problem.code == .badTensorFile && (reason.isEmpty || problem.detail.contains(reason))
        }
    }

    @Test(arguments: [UInt64(0), 1, 3, 1 << 20, 1 << 24, (1 << 24) + 1, 1 << 40, 1 << 63, .max])
    func `a length that lies is refused before anything is read`(length: UInt64) throws {
        let bytes = file("{}", data: 0, length: length)
        #expect { try SafetensorsHeader.headerLength(start: bytes, fileSize: bytes.count) } throws: { ($0 as? Problem)?.code == .badTensorFile }
        #expect { try SafetensorsHeader.headerLength(start: Array(bytes.prefix(7)), fileSize: 7) } throws: { ($0 as? Problem)?.code == .badTensorFile }
    }

    @Test func `what is written is read back, aligned and packed`() throws {
        let tensors = try [
            TensorDescriptor(name: "bytes", dtype: .i8, shape: [3, 5]), TensorDescriptor(name: "ä\"|", dtype: .f64, shape: [2]),
            TensorDescriptor(name: "empty", dtype: .f32, shape: [0, 9]), TensorDescriptor(name: "c", dtype: .f32, shape: [7]),
            TensorDescriptor(name: "half", dtype: .bf16, shape: [1]),
        ]
        let writer = try SafetensorsWriter(tensors, metadata: ["source": "test"])
        #expect(writer.header.count % 64 == 0)
        let header = try SafetensorsHeader.parse(prefix: writer.header, fileSize: writer.fileSize)
        #expect(try header.entries.map { try $0.descriptor() }.sorted { $0.name < $1.name } == tensors.sorted { $0.name < $1.name })
        #expect(header.entries.allSatisfy { $0.isMappable })
        #expect(header.metadata == ["source": "test"])
        #expect(header.entries.map { $0.fileRange.count } == writer.order.map(\.byteCount))
        #expect { try SafetensorsWriter([tensors[0], tensors[0]]) } throws: { ($0 as? Problem)?.code == .badParams }
        let reserved = try TensorDescriptor(name: "__metadata__", dtype: .i8, shape: [])
        #expect { try SafetensorsWriter([reserved]) } throws: { ($0 as? Problem)?.code == .badParams }
    }

    /// Truncated, shuffled and altered files give an answer or `bad_tensor_file`, and never anything else.
    @Test func `damaged files never do worse than being refused`() throws {
        var random = TestRandom(50)
        let good = try SafetensorsWriter([
            TensorDescriptor(name: "a", dtype: .f32, shape: [4, 3]), TensorDescriptor(name: "b", dtype: .i8, shape: [10]),
        ])
        let whole = good.header + Array(repeating: 0, count: good.fileSize - good.header.count)
        var refused = 0
        for round in 0..<3000 {
            var bytes = whole
            switch round % 4 {
            case 0: bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            case 1: for _ in 0...round % 3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            case 2: bytes.swapAt(Int.random(in: 0..<bytes.count, using: &random), Int.random(in: 0..<good.header.count, using: &random))
            default:
                let start = Int.random(in: 0..<good.header.count, using: &random)
                bytes[start..<min(start + 12, bytes.count)].shuffle(using: &random)
            }
            do {
                let header = try parse(bytes)
                #expect(header.entries.allSatisfy { $0.fileRange.upperBound <= bytes.count })
            } catch let problem as Problem {
                #expect(problem.code == .badTensorFile)
                refused += 1
            }
        }
        #expect(refused > 1500)
    }
}
