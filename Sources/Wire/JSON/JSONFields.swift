/// Reads the members of one object by name and type, and can refuse those nobody asked for.
///
/// Signed bodies end with `finish()`, which throws `unknown_field`; answers just aren't finished.
package struct JSONFields {
    private let object: JSONObject
    private let what: String
    /// Whether each member was read.
    private var read: [Bool]

    /// - Parameter what: names the object in messages, such as "quote".
    package init(_ json: JSON, _ what: String) throws(Problem) {
        guard case .object(let object) = json else { throw Problem(.wrongType, "\(what) is not an object") }
        self.object = object
        self.what = what
        read = Array(repeating: false, count: object.members.count)
    }

    package mutating func optional(_ key: String) -> JSON? {
        guard let index = object.index(of: key) else { return nil }
        read[index] = true
        return object.members[index].value
    }

    package mutating func value(_ key: String) throws(Problem) -> JSON {
        guard let value = optional(key) else { throw Problem(.missingField, "\(what) has no \"\(key)\"") }
        return value
    }

    /// Throws `unknown_field` if a member was never read.
    package func finish() throws(Problem) {
        for index in object.members.indices where !read[index] {
            throw Problem(.unknownField, "\(what) has an unknown member \"\(object.members[index].key.prefix(64))\"")
        }
    }

    private func wrong(_ key: String, _ expected: String) -> Problem {
        Problem(.wrongType, "\"\(key)\" of \(what) is not \(expected)")
    }
}

extension JSONFields {
    package mutating func string(_ key: String, maxBytes: Int = 1024) throws(Problem) -> String {
        guard case .string(let text) = try value(key) else { throw wrong(key, "a string") }
        guard text.utf8.count <= maxBytes else { throw Problem(.outOfRange, "\"\(key)\" of \(what) is longer than \(maxBytes) bytes") }
        return text
    }

    package mutating func optionalString(_ key: String, maxBytes: Int = 1024) throws(Problem) -> String? {
        optional(key) == nil ? nil : try string(key, maxBytes: maxBytes)
    }

    package mutating func integer(_ key: String, in range: ClosedRange<Int64> = 0...JSON.maxInteger) throws(Problem) -> Int64 {
        guard case .integer(let number) = try value(key) else { throw wrong(key, "an integer") }
        guard range.contains(number) else {
            throw Problem(.outOfRange, "\"\(key)\" of \(what) is \(number), outside \(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    package mutating func optionalInteger(_ key: String, in range: ClosedRange<Int64> = 0...JSON.maxInteger) throws(Problem) -> Int64? {
        optional(key) == nil ? nil : try integer(key, in: range)
    }

    package mutating func bool(_ key: String) throws(Problem) -> Bool {
        guard case .bool(let flag) = try value(key) else { throw wrong(key, "true or false") }
        return flag
    }

    package mutating func optionalBool(_ key: String) throws(Problem) -> Bool? {
        optional(key) == nil ? nil : try bool(key)
    }

    /// A number of an unsigned document.
    package mutating func double(_ key: String) throws(Problem) -> Double {
        guard let number = try value(key).doubleValue else { throw wrong(key, "a number") }
        return number
    }

    package mutating func array(_ key: String, maxCount: Int) throws(Problem) -> [JSON] {
        guard case .array(let elements) = try value(key) else { throw wrong(key, "a list") }
        guard elements.count <= maxCount else { throw Problem(.outOfRange, "\"\(key)\" of \(what) has more than \(maxCount) elements") }
        return elements
    }

    /// What `Problem.brief` wrote; a code that this version doesn't know is `bad_answer`.
    package mutating func brief() throws(Problem) -> Problem {
        let code = Problem.Code(rawValue: try string("code", maxBytes: 64)) ?? .badAnswer
        return Problem(code, try string("detail", maxBytes: 4096))
    }

    package mutating func digest(_ key: String) throws(Problem) -> Digest {
        guard let digest = Digest(hex: try string(key)) else { throw Problem(.badHex, "\"\(key)\" of \(what) is not 64 lower-case hex digits") }
        return digest
    }

    /// Lower-case hex of exactly `bytes` bytes, as text.
    package mutating func hex(_ key: String, bytes: Int) throws(Problem) -> String {
        let text = try string(key)
        guard text.utf8.count == 2 * bytes, Hex.decode(text) != nil else {
            throw Problem(.badHex, "\"\(key)\" of \(what) is not \(2 * bytes) lower-case hex digits")
        }
        return text
    }
}
