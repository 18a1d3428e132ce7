package import Kernels
package import Ledger
package import Wire

/// One output: what it is and the root of its bytes.
package struct OutputTensor: Sendable, Equatable {
    package let descriptor: TensorDescriptor
    package let root: Digest

    package init(_ descriptor: TensorDescriptor, root: Digest) {
        self.descriptor = descriptor
        self.root = root
    }

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "output")
        descriptor = try TensorDescriptor(reading: &fields)
        root = try fields.digest("root")
        try fields.finish()
    }

    var json: JSON {
        [
            "name": .string(descriptor.name), "dtype": .string(descriptor.dtype.rawValue), "shape": descriptor.shapeJSON,
            "root": .string(root.hex),
        ]
    }
}

/// What was computed: the thing that `output_hash` commits to (PROTOCOL section 4).
package struct OutputMetadata: Sendable, Equatable {
    package let specHash: Digest
    /// The kernel's name.
    package let kernel: String
    /// The promise that verification holds the output to.
    package let arithmetic: Arithmetic
    /// In the kernel's order.
    package let outputs: [OutputTensor]

    package init(specHash: Digest, kernel: String, arithmetic: Arithmetic, outputs: [OutputTensor]) {
        self.specHash = specHash
        self.kernel = kernel
        self.arithmetic = arithmetic
        self.outputs = outputs
    }

    /// Reads the metadata; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "output metadata")
        specHash = try fields.digest("spec")
        kernel = try Identifier.check(try fields.string("kernel", maxBytes: Identifier.maxBytes), "kernel")
        let promise = try fields.string("arithmetic", maxBytes: 32)
        guard let arithmetic = Arithmetic(rawValue: promise) else { throw Problem(.outOfRange, "no arithmetic is called that") }
        self.arithmetic = arithmetic
        outputs = try JSON.map(try fields.array("outputs", maxCount: 64)) { (item) throws(Problem) in try OutputTensor(json: item) }
        try fields.finish()
    }

    package var json: JSON {
        [
            "spec": .string(specHash.hex), "kernel": .string(kernel), "arithmetic": .string(arithmetic.rawValue),
            "outputs": .array(outputs.map(\.json)),
        ]
    }

    /// `output_hash`: SHA-256 of the canonical form.
    package var hash: OutputHash { OutputHash(json.canonicalDigest) }

    /// Throws `output_mismatch` unless this describes exactly the outputs that `kernel` gives for `spec`.
    package func check(spec: JobSpec, kernel: any Kernel) throws(Problem) {
        guard specHash == spec.hash else { throw Problem(.outputMismatch, "the output is for another spec") }
        guard self.kernel == spec.type, arithmetic == kernel.arithmetic else {
            throw Problem(.outputMismatch, "the spec asks for \(spec.type) in \(kernel.arithmetic.rawValue)")
        }
        guard outputs.map(\.descriptor) == kernel.outputs else {
            throw Problem(.outputMismatch, "names, dtypes and shapes of the outputs are not what the spec gives")
        }
    }
}
