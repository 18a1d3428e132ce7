package import Signing
package import Wire

/// The whole state of a chain after some block: an immutable value that is cheap to keep, one for each recent block.
package struct LedgerState: Sendable {
    package let tree: StateTree
    /// The rules for the next block.
    package let parameters: Parameters
    let attested: AttestedUnits
    let refunds: DueRefunds

    static let supplyID = "supply"
    static let mintedID = "minted"
    static let burnedID = "burned"

    /// Rebuilds a state from its records, as a store keeps them.
    ///
    /// Throws when a parameter is missing or the supply identity doesn't hold (`supply_broken`).
    package init(records: some Sequence<RecordChange>) throws(Problem) {
        let tree = try StateTree().updating(records)
        var receipts: [(height: Int64, coordinator: PublicKey, units: Int64)] = []
        var refunds = DueRefunds()
        for change in tree {
            switch change.record {
            case .receipt(let receipt): receipts.append((receipt.height, receipt.claim.coordinatorKey, receipt.claim.terms.computeUnits))
            case .escrow(let escrow): refunds.replace(nil, by: escrow)
            case .account, .parameter, .meta, nil: break
            }
        }
        var attested = AttestedUnits()
        for receipt in receipts.sorted(by: { $0.height < $1.height }) {
            attested.add(receipt.units, by: receipt.coordinator, at: receipt.height)
        }
        self.init(tree: tree, parameters: try Self.parameters(of: tree), attested: attested, refunds: refunds)
        try checkSupply()
    }

    private init(tree: StateTree, parameters: Parameters, attested: AttestedUnits, refunds: DueRefunds) {
        self.tree = tree
        self.parameters = parameters
        self.attested = attested
        self.refunds = refunds
    }

    /// The state after these changes; the supply identity is checked by summing the records.
    func updating(_ changes: [RecordChange], attested: AttestedUnits) throws(Problem) -> LedgerState {
        let before = self.tree
        let tree = try before.updating(changes)
        var refunds = refunds
        for change in changes {
            guard case .escrow(let after)? = change.record else { continue }
            if case .escrow(let escrow)? = before[change.key] { refunds.replace(escrow, by: after) } else { refunds.replace(nil, by: after) }
        }
        let parameters = changes.contains { $0.key.kind == .param } ? try Self.parameters(of: tree) : parameters
        let state = LedgerState(tree: tree, parameters: parameters, attested: attested, refunds: refunds)
        try state.checkSupply()
        return state
    }

    private static func parameters(of tree: StateTree) throws(Problem) -> Parameters {
        try Parameters { id in tree[RecordKey(.param, id)]?.json }
    }
}

extension LedgerState {
    /// The state root of PROTOCOL section 5.
    package var root: Digest { tree.root }

    package var authorities: [PublicKey] { parameters.authorities }
    package var coordinators: [PublicKey] { parameters.coordinators }

    /// Zeros for an address that the state doesn't know.
    package func account(_ address: Address) -> Account {
        if case .account(let account)? = tree[.account(address)] { account } else { Account(address: address) }
    }

    package func escrow(_ job: JobID) -> Escrow? {
        if case .escrow(let escrow)? = tree[.escrow(job)] { escrow } else { nil }
    }

    package func receipt(_ id: ReceiptID) -> Receipt? {
        if case .receipt(let receipt)? = tree[.receipt(id)] { receipt } else { nil }
    }

    package subscript(key: RecordKey) -> Record? { tree[key] }

    /// All records with their keys, in the order of the tree: to be stored, and given back to `init(records:)`.
    package var records: some Sequence<RecordChange> { tree }

    /// The supply at genesis.
    package var genesisSupply: Int64 { meta(Self.supplyID) }
    package var minted: Int64 { meta(Self.mintedID) }
    package var burned: Int64 { meta(Self.burnedID) }

    private func meta(_ id: String) -> Int64 {
        if case .meta(let value)? = tree[RecordKey(.meta, id)] { value } else { 0 }
    }

    /// The money that there is by the counters: genesis supply + minted − burned.
    package func countedSupply() throws(Problem) -> Int64 {
        try Amount.subtract(Amount.add(genesisSupply, minted), burned)
    }

    /// Throws `supply_broken` unless the money in the records is what the counters say.
    ///
    /// The sum comes from the records through the tree's nodes, so it costs what a block touched.
    package func checkSupply() throws(Problem) {
        let counted = try countedSupply()
        guard tree.money == counted else {
            throw Problem(.supplyBroken, "the records hold \(tree.money) base units, the counters say \(counted)")
        }
    }

    /// Sums every record anew, trusting no node; for start-up and tests.
    package func auditSupply() throws(Problem) {
        var sum: Int64 = 0
        for change in tree { sum = try Amount.add(sum, change.record?.money() ?? 0) }
        let counted = try countedSupply()
        guard sum == counted else { throw Problem(.supplyBroken, "the records hold \(sum) base units, the counters say \(counted)") }
    }
}
