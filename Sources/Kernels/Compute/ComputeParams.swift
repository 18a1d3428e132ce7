import Wire

/// The `operations` of a spec: names, or objects `{"op": name, …}` for what takes more than the element.
struct ComputeParams {
    private(set) var operations: [ComputeOperation] = []
    /// Names of the inputs that operations take elements from, by `Operand.tensor`'s index.
    private(set) var operands: [String] = []

    static let withNumbers = ComputeOperation.Combination.allCases.map(\.rawValue) + ["pow", "clamp", "leaky_relu"]
    static let names = ComputeStep.allCases.map(\.rawValue) + withNumbers.filter { ComputeStep(rawValue: $0) == nil }

    /// - Throws: `bad_params` for a name that isn't known, a number and a tensor both, or bounds in the wrong order; `missing_field`, `unknown_field`,
    ///   `wrong_type`; `out_of_range` for a number or exponent that is too large, or more than 32 operations.
    init(_ params: JSON) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let elements = try fields.array("operations", maxCount: ComputeChain.maximumSteps)
        try fields.finish()
        for element in elements {
            switch element {
            case .string(let name): operations.append(try plain(name))
            case .object: operations.append(try object(element))
            default: throw Problem(.wrongType, "an operation is a name, or an object with a name \"op\"")
            }
        }
    }

    private func plain(_ name: String) throws(Problem) -> ComputeOperation {
        if let step = ComputeStep(rawValue: name) { return .step(step) }
        guard !Self.withNumbers.contains(name) else {
            throw Problem(.missingField, "\"\(name)\" needs a number or a tensor: {\"op\": \"\(name)\", …} (PROTOCOL section 9)")
        }
        throw Problem(.badParams, "no operation \"\(name.prefix(64))\"; the nearest is \"\(Self.nearest(to: name))\"")
    }

    /// The name that begins like this one, or else the one that fewest slips lead to, however many they are: there are few names to choose from.
    private static func nearest(to name: String) -> String {
        let word = name.prefix(64).utf8
        func distance(_ known: String) -> (Int, Int) {
            let isBeginning = !word.isEmpty && (known.utf8.starts(with: word) || word.starts(with: known.utf8))
            return (isBeginning ? 0 : 1, EditDistance.between(word, known.utf8))
        }
        return names.min { distance($0) < distance($1) } ?? ""
    }

    private mutating func object(_ json: JSON) throws(Problem) -> ComputeOperation {
        var fields = try JSONFields(json, "operation")
        let name = try fields.string("op", maxBytes: 64)
        let operation: ComputeOperation
        switch name {
        case "pow":
            let value = try Self.number("value", &fields)
            guard let exponent = Int(exactly: value), ComputeOperation.exponents.contains(exponent) else {
                throw Problem(.outOfRange, "an exponent is a whole number in -1024...1024")
            }
            operation = .power(exponent)
        case "clamp":
            let (low, high) = (try Self.number("lo", &fields), try Self.number("hi", &fields))
            guard low <= high else { throw Problem(.badParams, "clamp's lo is above its hi") }
            operation = .clamp(low: low, high: high)
        case "leaky_relu":
            operation = .leakyRelu(try Self.number("value", &fields))
        default:
            if let combination = ComputeOperation.Combination(rawValue: name), json["value"] != nil || json["with"] != nil || ComputeStep(rawValue: name) == nil
            {
                operation = .combine(combination, try operand(name, &fields))
            } else {
                operation = try plain(name)
            }
        }
        try fields.finish()
        return operation
    }

    private mutating func operand(_ name: String, _ fields: inout JSONFields) throws(Problem) -> ComputeOperation.Operand {
        guard let tensor = try fields.optionalString("with", maxBytes: 256) else {
            guard let value = try Self.number("value", optional: &fields) else {
                throw Problem(.missingField, "\"\(name)\" needs a \"value\", or the name of an input as \"with\"")
            }
            return .constant(value)
        }
        guard fields.optional("value") == nil else { throw Problem(.badParams, "\"\(name)\" takes a \"value\" or an input as \"with\", not both") }
        if let index = operands.firstIndex(of: tensor) { return .tensor(index) }
        operands.append(tensor)
        return .tensor(operands.count - 1)
    }

    private static func number(_ key: String, _ fields: inout JSONFields) throws(Problem) -> Double {
        guard let value = try number(key, optional: &fields) else { throw Problem(.missingField, "operation has no \"\(key)\"") }
        return value
    }

    /// A real as text, or a whole number as it is.
    private static func number(_ key: String, optional fields: inout JSONFields) throws(Problem) -> Double? {
        switch fields.optional(key) {
        case nil: return nil
        case .integer(let number): return Double(number)
        case .string(let text):
            guard text.utf8.count <= 40, let number = RealText.number(text) else {
                throw Problem(.wrongType, "\"\(key)\" is not a decimal number in a string, such as \"2.5\"")
            }
            guard number.isFinite else { throw Problem(.outOfRange, "\"\(key)\" is too large") }
            return number
        default: throw Problem(.wrongType, "\"\(key)\" is a decimal number in a string, such as \"2.5\", or a whole number")
        }
    }
}
