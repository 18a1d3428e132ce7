package import Wire

/// A tensor that is named by a seed instead of sent: `{"seed", "dtype", "shape"}` in a job's spec.
///
/// Elements come from the ChaCha20 keystream of the seed, as little-endian words in element order: I8 = byte; F32 = (u32 >> 8)·2^−23 − 1;
/// F64 = (u64 >> 11)·2^−52 − 1; BF16 = (u16 >> 8)·2^−7 − 1, so all floats lie in [−1, 1). Source: PROTOCOL section 9.
package struct RandomTensor: Sendable, Hashable {
    package let seed: Digest
    package let descriptor: TensorDescriptor

    /// - Throws: `unsupported_dtype` for I32 and I64, which have no rule.
    package init(seed: Digest, descriptor: TensorDescriptor) throws(Problem) {
        switch descriptor.dtype {
        case .i8, .f32, .f64, .bf16: break
        case .i32, .i64: throw Problem(.unsupportedDtype, "no random tensors of \(descriptor.dtype.rawValue)")
        }
        self.seed = seed
        self.descriptor = descriptor
    }

    /// Reads a spec's `random` member. Refuses unknown members.
    package init(_ json: JSON, name: String) throws(Problem) {
        var fields = try JSONFields(json, "random")
        let seed = try fields.digest("seed")
        let dtype = try DType(reading: &fields)
        let shape = try TensorDescriptor.shape(reading: &fields)
        try fields.finish()
        try self.init(seed: seed, descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape))
    }

    package var json: JSON {
        ["seed": .string(seed.hex), "dtype": .string(descriptor.dtype.rawValue), "shape": descriptor.shapeJSON]
    }

    /// Makes the elements. Throws `memory_limit` if they are more than `limit` bytes.
    package func generate(limit: Int = TensorBuffer.defaultLimit) throws(Problem) -> Tensor {
        let tensor = try Tensor(zeros: descriptor, limit: limit)
        unsafe tensor.buffer.withUnsafeMutableBytes { raw in unsafe ChaCha20(key: seed).next(into: raw) }
        switch descriptor.dtype {
        case .f32: Self.convert(tensor, UInt32.self) { (Float($0 >> 8) * 0x1p-23 - 1).bitPattern }
        case .f64: Self.convert(tensor, UInt64.self) { (Double($0 >> 11) * 0x1p-52 - 1).bitPattern }
        case .bf16:
            // Eight significant bits: the upper half of the binary32 value is exact.
            Self.convert(tensor, UInt16.self) { UInt16((Float($0 >> 8) * 0x1p-7 - 1).bitPattern >> 16) }
        case .i8, .i32, .i64: break
        }
        return tensor
    }

    /// Turns every word of the keystream into an element's bits, in place.
    private static func convert<Word: BitwiseCopyable>(_ tensor: Tensor, _ type: Word.Type, _ bits: (Word) -> Word) {
        tensor.withMutableElements(as: type) { words in
            for index in words.indices { words[index] = bits(words[index]) }
        }
    }
}
