import Kernels
import Wire

/// An input of a measurement as it is written: `NAME=DTYPE:SHAPE`, such as `a=f32:2048,2048`, or `labels=i32:128:10` for whole
/// numbers in 0..<10. Random numbers by PROTOCOL section 9's rule: zeros would run faster.
struct BenchInput {
    let descriptor: TensorDescriptor
    /// Whole numbers below it; nil for the dtype's random numbers.
    let bound: UInt64?

    /// - Throws: `bad_params`, `unsupported_dtype`, `out_of_range`.
    init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "=", maxSplits: 1)
        let fields = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (2...3).contains(fields.count), let dtype = DType(rawValue: fields[0].uppercased()) else {
            throw Problem(.badParams, "\"\(text.prefix(64))\" is not NAME=DTYPE:SHAPE, such as a=f32:2048,2048, or labels=i32:128:10")
        }
        let shape = fields[1].split(separator: ",").map { Int($0) ?? -1 }
        descriptor = try TensorDescriptor(name: String(parts[0]), dtype: dtype, shape: shape)
        guard fields.count == 3 else {
            bound = nil
            return
        }
        guard let limit = UInt64(fields[2]), limit > 0, limit <= 1 << 31, dtype == .i32 || dtype == .i64 else {
            throw Problem(.badParams, "\"\(text.prefix(64))\": whole numbers below 1 to 2^31 come as i32 or i64")
        }
        bound = limit
    }

    func tensor() throws(Problem) -> Tensor {
        let seed = SHA256.hash(utf8: "adit.bench.\(descriptor.name)")
        guard let bound else { return try RandomTensor(seed: seed, descriptor: descriptor).generate() }
        let tensor = try Tensor(zeros: descriptor)
        let generator = ChaCha20(key: seed)
        if descriptor.dtype == .i32 {
            tensor.withMutableElements(as: Int32.self) { elements in
                for index in elements.indices { elements[index] = Int32(truncatingIfNeeded: generator.nextUInt64() % bound) }
            }
        } else {
            tensor.withMutableElements(as: Int64.self) { elements in
                for index in elements.indices { elements[index] = Int64(truncatingIfNeeded: generator.nextUInt64() % bound) }
            }
        }
        return tensor
    }
}
