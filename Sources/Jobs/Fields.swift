import Ledger
import Wire

// Reads the messages' value types from JSON members; every reader throws the code of its kind.
extension JSONFields {
    mutating func jobID(_ key: String) throws(Problem) -> JobID { try JobID(try string(key, maxBytes: 64)) }
    mutating func nonce16(_ key: String) throws(Problem) -> Nonce16 { try Nonce16(try string(key, maxBytes: 64)) }

    /// A share between 0 and 1.
    mutating func optionalRatio(_ key: String) throws(Problem) -> Double? {
        guard let json = optional(key) else { return nil }
        guard let value = json.doubleValue else { throw Problem(.wrongType, "\"\(key)\" is not a number") }
        guard (0...1).contains(value) else { throw Problem(.outOfRange, "\"\(key)\" is outside 0...1") }
        return value
    }
}

extension JSON {
    /// A share between 0 and 1, in thousandths; whole numbers as integers.
    static func ratio(_ value: Double) -> JSON {
        let thousandths = (Swift.min(Swift.max(value, 0), 1) * 1000).rounded()
        if thousandths.isNaN || thousandths == 0 { return .integer(0) }
        return thousandths == 1000 ? .integer(1) : .real(thousandths / 1000)
    }
}
