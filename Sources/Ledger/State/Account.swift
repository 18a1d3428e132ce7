package import Signing
package import Wire

/// One address's money and nonce (PROTOCOL section 5); absent from the state when all is zero and empty.
package struct Account: Hashable, Sendable {
    package let address: Address
    /// In base units.
    package internal(set) var balance: Int64
    /// The last nonce used; 0 before the first transaction.
    package internal(set) var nonce: Int64
    /// The key, once the chain has seen it.
    package internal(set) var publicKey: PublicKey?
    package internal(set) var staked: Int64

    package init(address: Address, balance: Int64 = 0, nonce: Int64 = 0, publicKey: PublicKey? = nil, staked: Int64 = 0) {
        self.address = address
        self.balance = balance
        self.nonce = nonce
        self.publicKey = publicKey
        self.staked = staked
    }

    var isEmpty: Bool { balance == 0 && nonce == 0 && publicKey == nil && staked == 0 }

    init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "account")
        address = try fields.address("address")
        balance = try fields.integer("balance")
        nonce = try fields.integer("nonce")
        let key = try fields.string("pubkey")
        publicKey = key.isEmpty ? nil : try PublicKey(hex: key, field: "pubkey")
        staked = try fields.integer("staked")
        try fields.finish()
    }

    package var json: JSON {
        [
            "address": .string(address.text),
            "balance": .integer(balance),
            "nonce": .integer(nonce),
            "pubkey": .string(publicKey?.hex ?? ""),
            "staked": .integer(staked),
        ]
    }
}
