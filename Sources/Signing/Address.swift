package import Wire

/// An account's name: bech32 (BIP-173), hrp `ait`, over the first 20 bytes of SHA-256(public key). 42 lower-case characters.
package struct Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    /// Throws `bad_address`. The length is checked too, which bech32's checksum can't be trusted with.
    package init(_ text: String) throws(Problem) {
        guard text.utf8.count == 42 else { throw Problem(.badAddress, "an address has 42 characters, not \(text.utf8.count)") }
        guard !text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { throw Problem(.badAddress, "an address is in lower case") }
        let (hrp, symbols) = try Bech32.decode(text)
        guard hrp == "ait", symbols.count == 32, Bech32.regroup(symbols, from: 5, to: 8, pad: false)?.count == 20 else {
            throw Problem(.badAddress, "not an ait address")
        }
        self.text = text
    }

    /// The address of a public key's bytes, or of a module's name.
    init(of bytes: [UInt8]) {
        let symbols = Bech32.regroup(Array(SHA256.hash(bytes).bytes.prefix(20)), from: 8, to: 5, pad: true) ?? []
        text = Bech32.encode(hrp: "ait", symbols: symbols)
    }

    /// Holds the deposits of jobs; no key signs for it.
    package static let escrow = Address(of: Array("module|escrow".utf8))
    /// Receives `treasury_bps` of what is minted; no key signs for it.
    package static let treasury = Address(of: Array("module|treasury".utf8))

    package var description: String { text }

    package static func < (left: Address, right: Address) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
}

extension JSONFields {
    package mutating func address(_ key: String) throws(Problem) -> Address { try Address(try string(key)) }
    package mutating func publicKey(_ key: String) throws(Problem) -> PublicKey { try PublicKey(hex: try string(key), field: key) }
    package mutating func signature(_ key: String) throws(Problem) -> Signature { try Signature(hex: try string(key), field: key) }
}
