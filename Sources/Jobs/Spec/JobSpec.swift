package import Kernels
package import Wire

/// What is to be computed, to the last detail: units and price follow from it alone (PROTOCOL section 4).
///
/// A value is well formed; whether a kernel accepts it is what `kernel()` says.
package struct JobSpec: Sendable, Equatable {
    /// The kernel's name.
    package let type: String
    /// The kernel's parameters as the client wrote them: an object, read by the kernel.
    package let params: JSON
    package let inputs: [InputSpec]
    package let requirements: Requirements

    /// More inputs than any kernel has.
    static let maxInputs = 256

    /// - Throws: `out_of_range` for too many inputs, two of one name, or a type that is no name; `wrong_type` unless `params` is an object.
    package init(type: String, params: JSON, inputs: [InputSpec], requirements: Requirements = .none) throws(Problem) {
        self.type = try Identifier.check(type, "type")
        guard case .object = params else { throw Problem(.wrongType, "params is not an object") }
        guard inputs.count <= Self.maxInputs else { throw Problem(.outOfRange, "a job has at most \(Self.maxInputs) inputs") }
        let names = inputs.map { Array($0.name.utf8) }
        guard Set(names).count == names.count else { throw Problem(.outOfRange, "two inputs have one name") }
        self.params = params
        self.inputs = inputs
        self.requirements = requirements
    }

    /// Reads `{"type", "params", "inputs", "requirements"}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "spec")
        let type = try fields.string("type", maxBytes: Identifier.maxBytes)
        let params = try fields.value("params")
        let inputs = try Self.inputs(try fields.array("inputs", maxCount: Self.maxInputs))
        let requirements = try Requirements(json: try fields.value("requirements"))
        try fields.finish()
        try self.init(type: type, params: params, inputs: inputs, requirements: requirements)
    }

    static func inputs(_ items: [JSON]) throws(Problem) -> [InputSpec] {
        try JSON.map(items) { (item) throws(Problem) in try InputSpec(json: item) }
    }

    package var json: JSON {
        ["type": .string(type), "params": params, "inputs": .array(inputs.map(\.json)), "requirements": requirements.json]
    }

    /// `spec_hash`: SHA-256 of the canonical form.
    package var hash: Digest { json.canonicalDigest }

    /// The kernel that this spec asks for, made from its parameters and the inputs' descriptors.
    ///
    /// Throws `unknown_kernel`, `bad_params`, `shape_mismatch`, `unsupported_dtype`, `too_long`, ….
    package func kernel() throws(Problem) -> any Kernel {
        try KernelRegistry.kernel(type, params: params, inputs: inputs.map(\.descriptor))
    }
}
