package import Signing
package import Wire

/// `genesis.json`: where a chain starts (PROTOCOL section 5).
///
/// `{"chain_id", "timestamp", "accounts": {address: balance}, "params": {name: integer}, "authorities": [key],
/// "coordinators": [key], "admin": key}`. Parameters that are left out have their defaults; written out, all are named.
package struct Genesis: Sendable, Equatable {
    package let chain: ChainID
    /// Unix seconds; slot 0 begins here.
    package let timestamp: Int64
    package let accounts: [Address: Int64]
    package let parameters: Parameters

    /// The most accounts that a genesis document may fund.
    package static let maxAccounts = 1_000_000

    /// Throws `out_of_range` when the balances don't fit in `max_supply`.
    package init(chain: ChainID, timestamp: Int64, accounts: [Address: Int64], parameters: Parameters) throws(Problem) {
        guard Amount.range.contains(timestamp) else { throw Problem(.outOfRange, "the genesis timestamp is out of range") }
        var supply: Int64 = 0
        for balance in accounts.values {
            guard Amount.range.contains(balance) else { throw Problem(.outOfRange, "a genesis balance is out of range") }
            supply = try Amount.add(supply, balance)
        }
        guard supply <= parameters[.maxSupply] else {
            throw Problem(.outOfRange, "the genesis balances are \(supply), over max_supply \(parameters[.maxSupply])")
        }
        self.chain = chain
        self.timestamp = timestamp
        self.accounts = accounts
        self.parameters = parameters
    }

    /// Reads genesis.json; unknown members and parameters are refused.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "genesis")
        let chain = try ChainID(fields.string("chain_id"))
        let timestamp = try fields.integer("timestamp")
        let accounts = try Self.accounts(fields.value("accounts"))
        let values = try Self.values(fields.value("params"))
        let parameters = try Parameters(
            values, authorities: fields.publicKeys("authorities"), coordinators: fields.publicKeys("coordinators"),
            admin: fields.publicKey("admin"))
        try fields.finish()
        try self.init(chain: chain, timestamp: timestamp, accounts: accounts, parameters: parameters)
    }

    private static func accounts(_ json: JSON) throws(Problem) -> [Address: Int64] {
        guard case .object(let object) = json else { throw Problem(.wrongType, "\"accounts\" is not an object of address and balance") }
        guard object.count <= maxAccounts else { throw Problem(.outOfRange, "genesis has more than \(maxAccounts) accounts") }
        var accounts: [Address: Int64] = [:]
        for (key, value) in object.members {
            guard case .integer(let balance) = value else { throw Problem(.notAnInteger, "the balance of \(key.prefix(64)) is not an integer") }
            accounts[try Address(key)] = balance
        }
        return accounts
    }

    private static func values(_ json: JSON) throws(Problem) -> [Parameter: Int64] {
        guard case .object(let object) = json else { throw Problem(.wrongType, "\"params\" is not an object") }
        var values: [Parameter: Int64] = [:]
        for (key, value) in object.members {
            guard let parameter = Parameter(rawValue: key) else { throw Problem(.unknownField, "there is no parameter \"\(key.prefix(64))\"") }
            guard case .integer(let number) = value else { throw Problem(.notAnInteger, "\(key) is not an integer") }
            values[parameter] = number
        }
        return values
    }

    package var json: JSON {
        [
            "chain_id": .string(chain.text),
            "timestamp": .integer(timestamp),
            "accounts": .object(JSONObject(distinct: accounts.map { ($0.key.text, .integer($0.value)) })),
            "params": parameters.json,
            "authorities": PublicKey.json(parameters.authorities),
            "coordinators": PublicKey.json(parameters.coordinators),
            "admin": .string(parameters.admin.hex),
        ]
    }

    package var supply: Int64 { accounts.values.reduce(0, +) }

    /// The state at height 0.
    package func state() throws(Problem) -> LedgerState {
        var changes = parameters.records
        for (address, balance) in accounts where balance > 0 {
            changes.append(RecordChange(key: .account(address), record: .account(Account(address: address, balance: balance))))
        }
        for (id, value) in [(LedgerState.supplyID, supply), (LedgerState.mintedID, 0), (LedgerState.burnedID, 0)] {
            changes.append(RecordChange(key: RecordKey(.meta, id), record: .meta(value)))
        }
        return try LedgerState(records: changes)
    }

    /// The block at height 0: no parent, no proposer, no signature, no transactions.
    package func block() throws(Problem) -> Block {
        let header = BlockHeader(
            parent: .zero, height: 0, timestamp: timestamp, proposer: nil, txRoot: BlockHeader.txRoot([]), stateRoot: try state().root)
        return Block(header: header, transactions: [], signature: nil, chain: chain)
    }
}
