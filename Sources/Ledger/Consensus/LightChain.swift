import Signing
package import Wire

/// A chain's headers, followed without its state: what a light client trusts (PROTOCOL section 6, proof of authority).
///
/// It starts from a genesis that its user trusts. Each header must be the next one, in a slot of the authority that signed
/// it. Who that is follows from genesis and from the admin's PARAM_UPDATE transactions alone, which are read from the
/// bodies of the blocks that have any: an update by the admin with a value that its parameter can have always takes effect.
package struct LightChain: Sendable {
    package let chain: ChainID
    package private(set) var head: Head
    /// Of the head: what proofs are checked against.
    package private(set) var stateRoot: Digest
    /// The rules for the next block, as far as they are its own.
    package private(set) var parameters: Parameters
    private let turns: ProofOfAuthority

    package init(genesis: Genesis) throws(Problem) {
        let block = try genesis.block()
        chain = genesis.chain
        head = block.head
        stateRoot = block.header.stateRoot
        parameters = genesis.parameters
        turns = ProofOfAuthority(genesisTimestamp: genesis.timestamp)
    }

    /// Takes the next block's header, after all checks that need no state.
    ///
    /// - Parameters:
    ///   - bodies: its transactions in order; nil is enough for a block without any.
    ///   - now: the client's clock in Unix seconds.
    /// - Throws: why the block isn't the next one; then nothing has changed.
    package mutating func follow(_ block: Block, bodies: [Transaction]?, now: Int64) throws(Problem) {
        let header = block.header
        guard header.height == (try Amount.add(head.height, 1)) else {
            throw Problem(.wrongHeight, "height \(header.height) does not follow \(head.height)")
        }
        guard header.parent == head.hash else { throw Problem(.wrongParent, "the block's parent is not \(head.hash)") }
        guard block.hash == header.hash(on: chain) else { throw Problem(.badBlock, "the block's hash is not its header's") }
        let key = try turns.proposer(at: header.timestamp, after: head, parameters: parameters, now: now)
        guard key.address == header.proposer else { throw Problem(.wrongProposer, "it is not \(header.proposer?.text ?? "")'s turn") }
        guard let signature = block.signature, key.verifies(signature, of: block.hash) else {
            throw Problem(.badSignature, "the proposer's signature does not hold")
        }
        let next = try parameters(after: block, bodies: bodies)
        (head, stateRoot, parameters) = (block.head, header.stateRoot, next)
    }

    private func parameters(after block: Block, bodies: [Transaction]?) throws(Problem) -> Parameters {
        guard BlockHeader.txRoot(block.transactions) == block.header.txRoot else { throw Problem(.wrongTxRoot, "txRoot is not that of the hashes") }
        guard (bodies ?? []).map({ $0.hash(on: chain) }) == block.transactions else {
            throw Problem(.wrongTxRoot, "the bodies are not those of the block's hashes")
        }
        var records: [String: JSON] = [:]
        for transaction in bodies ?? [] where transaction.sender == parameters.admin.address {
            guard case .parameterUpdate(let update) = transaction.payload, let value = try? update.checkedValue() else { continue }
            // The signature lies outside the hash: a block's author can't be trusted with it, nor needs to be.
            try transaction.checkSignature(hash: transaction.hash(on: chain), known: parameters.admin)
            records[update.key] = value
        }
        return records.isEmpty ? parameters : try parameters.setting(records)
    }
}
