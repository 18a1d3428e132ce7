import Kernels
package import Wire

/// A task whose input stands in the request itself: `{"type": "compute", "data": {"input": [1, 2, 3], "operations": ["square",
/// {"op": "add", "value": 0.5}, "sum"]}, "requirements"?}`. Not signed: a sponsor pays for it.
package struct InlineTask: Sendable, Equatable {
    package let type: String
    package let requirements: Requirements
    /// Becomes the kernel's input `x`, F64 of rank 1.
    package let input: [Double]
    /// As a job's spec has them: reals are texts.
    package let operations: [JSON]

    /// Beyond this, tensors are uploaded.
    package static let maxElements = 4096

    /// Reads a request that was parsed with reals allowed; unknown members are refused.
    ///
    /// Throws `unauthorized` for another type, `wrong_type` for an element that is no number, `out_of_range` for too many.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task")
        type = try fields.string("type", maxBytes: Identifier.maxBytes)
        requirements = try fields.optional("requirements").map { (value) throws(Problem) in try Requirements(json: value) } ?? .none
        let data = try fields.value("data")
        try fields.finish()
        guard type == "compute" else { throw Problem(.unauthorized, "only \"compute\" with its input in the request is done unsigned; sign the request") }
        var inner = try JSONFields(data, "data")
        input = try JSON.map(try inner.array("input", maxCount: Self.maxElements)) { (item) throws(Problem) in
            guard let number = item.doubleValue, number.isFinite else { throw Problem(.wrongType, "\"input\" is a list of numbers") }
            return number
        }
        operations = try JSON.map(try inner.array("operations", maxCount: 64)) { (item) throws(Problem) in try Self.operation(item) }
        try inner.finish()
    }

    /// A name as it is; of an object the numbers as the texts that a spec, which holds no reals, has for them.
    private static func operation(_ item: JSON) throws(Problem) -> JSON {
        if case .string = item { return item }
        guard case .object(let object) = item else { throw Problem(.wrongType, "\"operations\" is a list of names and objects") }
        var members: [(String, JSON)] = []
        for (key, value) in object.members {
            switch value {
            case .real(let number): members.append((key, .string("\(number)")))
            case .integer(let number): members.append((key, .string("\(number)")))
            case .string: members.append((key, value))
            default: throw Problem(.wrongType, "an operation holds names and numbers")
            }
        }
        return .object(JSONObject(distinct: members))
    }

    /// The input's bytes, little-endian.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(input.count * 8)
        for number in input {
            let bits = number.bitPattern
            for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return bytes
    }

    /// The job that a signed request would ask for, its input under `root`.
    package func spec(root: Digest) throws(Problem) -> JobSpec {
        let x = try TensorDescriptor(name: "x", dtype: .f64, shape: [input.count])
        return try JobSpec(
            type: type, params: ["operations": .array(operations)], inputs: [InputSpec(x, .blob(root))], requirements: requirements)
    }
}
