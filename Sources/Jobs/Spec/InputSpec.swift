package import Kernels
package import Wire

/// One input of a job: what it is, and where its bytes come from.
package struct InputSpec: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// The bytes under this root, on the coordinator.
        case blob(Digest)
        /// The keystream of this seed, 64 hex digits (PROTOCOL section 9, random inputs).
        case random(seed: Digest)
    }

    package let descriptor: TensorDescriptor
    package let source: Source

    package init(_ descriptor: TensorDescriptor, _ source: Source) {
        self.descriptor = descriptor
        self.source = source
    }

    package var name: String { descriptor.name }

    /// The root that addresses the input's bytes, unless they are random.
    package var root: Digest? { if case .blob(let root) = source { root } else { nil } }

    /// Reads `{"name", "dtype", "shape", "root"}` or `{"name", "random": {"seed", "dtype", "shape"}}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "input")
        if let random = fields.optional("random") {
            let name = try fields.string("name", maxBytes: 256)
            try fields.finish()
            var inner = try JSONFields(random, "random input")
            let seed = try inner.digest("seed")
            let dtype = try DType(reading: &inner)
            let shape = try TensorDescriptor.shape(reading: &inner)
            try inner.finish()
            self.init(try TensorDescriptor(name: name, dtype: dtype, shape: shape), .random(seed: seed))
        } else {
            let descriptor = try TensorDescriptor(reading: &fields)
            let root = try fields.digest("root")
            try fields.finish()
            self.init(descriptor, .blob(root))
        }
    }

    package var json: JSON {
        switch source {
        case .blob(let root):
            [
                "name": .string(name), "dtype": .string(descriptor.dtype.rawValue), "shape": descriptor.shapeJSON,
                "root": .string(root.hex),
            ]
        case .random(let seed):
            [
                "name": .string(name),
                "random": ["seed": .string(seed.hex), "dtype": .string(descriptor.dtype.rawValue), "shape": descriptor.shapeJSON],
            ]
        }
    }
}
