/// A JSON document as the protocol reads it (PROTOCOL section 1).
///
/// Foundation's readers are too lax for signed data: they keep one of two duplicate keys, accept `1.0` as an integer and
/// compare keys by Unicode equivalence. Here strings are equal when their bytes are.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    /// 0 … 2^53−1: the only numbers that may be signed or hashed.
    case integer(Int64)
    /// Only in unsigned answers, and only from a reader that was asked for reals.
    case real(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// 2^53−1, the largest integer that every JSON implementation holds exactly.
    package static let maxInteger: Int64 = 9_007_199_254_740_991

    /// The deepest nesting that is read.
    package static let maxDepth = 64
}

extension JSON: Equatable {
    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.real(let a), .real(let b)): a.bitPattern == b.bitPattern
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

extension JSON {
    /// The member of an object, or nil.
    package subscript(key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    package var integerValue: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }
    package var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// An integer or a real as binary64; for unsigned answers alone.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }
}

// Not by nil: where an optional document is meant, `nil` would silently be a present null.
extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(distinct: elements)) }
}
