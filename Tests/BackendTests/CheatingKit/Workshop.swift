import Kernels
import NativeBackend
import TestSupport
import Wire

@testable import Kernels

/// Where honest and cheated work is made and checked.
struct Workshop: Sendable {
    let backend: NativeGEMM
    let passes: NativePasses

    init() throws {
        backend = try NativeGEMM(threads: 1, isMeasured: false)
        passes = try NativePasses(threads: 1)
    }

    func run(_ kernel: any Kernel, _ inputs: [Tensor]) throws -> [Tensor] { try kernel.run(inputs, on: backend, control: .none, limit: 1 << 28) }

    /// The same work on inputs of which some are replaced by name.
    func run(_ kernel: any Kernel, _ inputs: [Tensor], with other: Tensor...) throws -> [Tensor] {
        try run(kernel, inputs.map { tensor in other.first { $0.name == tensor.name } ?? tensor })
    }

    func kernel(_ name: String, _ params: [(String, JSON)], _ inputs: [TensorDescriptor]) throws -> any Kernel {
        try KernelRegistry.kernel(name, params: .object(JSONObject(distinct: params)), inputs: inputs)
    }

    /// Near standard normal numbers; integers of any size.
    func normal(_ descriptors: [TensorDescriptor], _ random: inout TestRandom) throws -> [Tensor] {
        var made: [Tensor] = []
        for descriptor in descriptors {
            let tensor = try Tensor(zeros: descriptor)
            if descriptor.dtype == .bf16 {
                tensor.withMutableElements(as: UInt16.self) {
                    for i in $0.indices { $0[i] = UInt16(truncatingIfNeeded: Float(random.normal()).bitPattern >> 16) }
                }
            } else {
                Data.normal.fill(tensor, seed: random.next())
            }
            made.append(tensor)
        }
        return made
    }
}

extension Tensor {
    /// A copy in a lower precision: floats rounded to `bits` stored bits (F64: through binary32), I8 cut to its upper 4 bits, I32 to its upper 16.
    func narrowed(toBits bits: UInt32) throws -> Tensor {
        switch dtype {
        case .f32: try rounded(toBits: bits)
        case .bf16:
            try copy { copy in
                copy.withMutableElements(as: UInt16.self) { words in
                    for i in words.indices { words[i] = UInt16(AttentionSource.rounded(UInt32(words[i]) << 16, keptBits: Int(bits)) >> 16) }
                }
            }
        case .f64: try copy { $0.withMutableElements(as: Double.self) { cells in for i in cells.indices { cells[i] = Double(Float(cells[i])) } } }
        case .i32: try copy { $0.withMutableElements(as: Int32.self) { cells in for i in cells.indices { cells[i] &= -65536 } } }
        default: try copy { $0.withMutableElements(as: Int8.self) { cells in for i in cells.indices { cells[i] &= -16 } } }
        }
    }

    /// A copy of zeros.
    func zeroed() throws -> Tensor { try Tensor(zeros: descriptor) }

    /// The same bytes under another descriptor.
    func renamed(_ name: String? = nil, dtype: DType? = nil, shape: [Int]? = nil) throws -> Tensor {
        try Tensor(try TensorDescriptor(name: name ?? self.name, dtype: dtype ?? self.dtype, shape: shape ?? self.shape), buffer)
    }
}

extension TestRandom {
    mutating func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
    mutating func coin() -> Bool { next() % 2 == 0 }
}
