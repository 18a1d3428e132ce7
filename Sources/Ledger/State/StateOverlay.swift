import Signing
import Wire

/// A block's changes on top of a state, in two layers: what stands, and what the transaction in hand has done so far.
///
/// A failed transaction is undone by dropping its layer; the tree is touched once, when the block is done.
struct StateOverlay {
    let base: LedgerState
    private var standing: [RecordKey: Record?] = [:]
    private var layer: [RecordKey: Record?] = [:]
    private(set) var attested: AttestedUnits

    init(on base: LedgerState) {
        self.base = base
        attested = base.attested
    }

    subscript(key: RecordKey) -> Record? {
        if let record = layer[key] { return record }
        if let record = standing[key] { return record }
        return base[key]
    }

    mutating func set(_ key: RecordKey, _ record: Record?) { layer[key] = .some(record) }

    /// Makes the layer stand.
    mutating func commit() {
        standing.merge(layer) { _, new in new }
        layer.removeAll(keepingCapacity: true)
    }

    /// Undoes the layer.
    mutating func rollback() { layer.removeAll(keepingCapacity: true) }

    /// Counts a settled claim in the mint window; only after its layer stands.
    mutating func attest(_ units: Int64, by coordinator: PublicKey, at height: Int64) {
        attested.add(units, by: coordinator, at: height)
    }

    /// What stands and differs from the base, in the order of kinds and ids.
    var changes: [RecordChange] {
        standing.filter { base[$0.key] != $0.value }.map { RecordChange(key: $0.key, record: $0.value) }
            .sorted { ($0.key.kind.rawValue, $0.key.id) < ($1.key.kind.rawValue, $1.key.id) }
    }
}

extension StateOverlay {
    func account(_ address: Address) -> Account {
        if case .account(let account)? = self[.account(address)] { account } else { Account(address: address) }
    }

    mutating func set(_ account: Account) { set(.account(account.address), account.isEmpty ? nil : .account(account)) }

    func escrow(_ job: JobID) -> Escrow? {
        if case .escrow(let escrow)? = self[.escrow(job)] { escrow } else { nil }
    }

    mutating func set(_ escrow: Escrow) { set(.escrow(escrow.jobID), .escrow(escrow)) }

    func hasReceipt(_ id: ReceiptID) -> Bool { self[.receipt(id)] != nil }
    mutating func set(_ receipt: Receipt) { set(.receipt(receipt.id), .receipt(receipt)) }

    func meta(_ id: String) -> Int64 {
        if case .meta(let value)? = self[RecordKey(.meta, id)] { value } else { 0 }
    }

    mutating func addMeta(_ id: String, _ amount: Int64) throws(Problem) {
        set(RecordKey(.meta, id), .meta(try Amount.add(meta(id), amount)))
    }

    mutating func credit(_ address: Address, _ amount: Int64) throws(Problem) {
        var account = account(address)
        account.balance = try Amount.add(account.balance, amount)
        set(account)
    }

    /// Throws `insufficient_balance` when the account holds less.
    mutating func debit(_ address: Address, _ amount: Int64) throws(Problem) {
        var account = account(address)
        guard amount >= 0, account.balance >= amount else {
            throw Problem(.insufficientBalance, "\(address) holds \(account.balance) base units, not \(amount)")
        }
        account.balance -= amount
        set(account)
    }
}
