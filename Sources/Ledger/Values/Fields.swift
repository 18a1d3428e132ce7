import Signing
import Wire

// Reads the ledger's value types from JSON members; every reader throws the code of its kind.
extension JSONFields {
    mutating func jobID(_ key: String) throws(Problem) -> JobID { try JobID(string(key)) }
    mutating func nonce16(_ key: String) throws(Problem) -> Nonce16 { try Nonce16(string(key)) }

    /// A list of distinct public keys.
    mutating func publicKeys(_ key: String) throws(Problem) -> [PublicKey] {
        try PublicKey.list(value(key), key)
    }
}

extension PublicKey {
    /// The most keys that a list in the state may hold.
    static let maxListed = 1024

    /// At most 1,024 distinct keys, in their order.
    static func list(_ json: JSON, _ what: String) throws(Problem) -> [PublicKey] {
        guard case .array(let elements) = json else { throw Problem(.wrongType, "\"\(what)\" is not a list of public keys") }
        guard elements.count <= maxListed else { throw Problem(.outOfRange, "\"\(what)\" has more than \(maxListed) keys") }
        var keys: [PublicKey] = []
        for element in elements {
            guard case .string(let text) = element else { throw Problem(.wrongType, "\"\(what)\" holds something that is not a string") }
            keys.append(try PublicKey(hex: text, field: what))
        }
        guard Set(keys).count == keys.count else { throw Problem(.outOfRange, "\"\(what)\" holds a key twice") }
        return keys
    }

    static func json(_ keys: [PublicKey]) -> JSON { .array(keys.map { .string($0.hex) }) }
}
