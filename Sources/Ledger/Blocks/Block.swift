package import Signing
package import Wire

/// What a block's hash and signature cover (PROTOCOL section 5).
package struct BlockHeader: Hashable, Sendable {
    package let parent: Digest
    package let height: Int64
    /// Unix seconds.
    package let timestamp: Int64
    /// Nil at height 0 alone, where it is written as "".
    package let proposer: Address?
    package let txRoot: Digest
    package let stateRoot: Digest

    package init(parent: Digest, height: Int64, timestamp: Int64, proposer: Address?, txRoot: Digest, stateRoot: Digest) {
        self.parent = parent
        self.height = height
        self.timestamp = timestamp
        self.proposer = proposer
        self.txRoot = txRoot
        self.stateRoot = stateRoot
    }

    package func hash(on chain: ChainID) -> Digest {
        Preimage(
            "adit.block.v1", chain,
            [parent.hex, String(height), String(timestamp), proposer?.text ?? "", txRoot.hex, stateRoot.hex]
        ).digest
    }

    /// The RFC 6962 root over the 32-byte transaction hashes.
    package static func txRoot(_ transactions: [Digest]) -> Digest {
        MerkleTree.root(transactions.map(\.bytes))
    }
}

/// A signed header and the hashes of its transactions, in order. Bodies travel beside it.
package struct Block: Hashable, Sendable {
    package let header: BlockHeader
    package let transactions: [Digest]
    /// Nil at height 0 alone.
    package let signature: Signature?
    package let hash: Digest

    /// The most transactions that a block may hold.
    package static let maxTransactions = 10_000

    package init(header: BlockHeader, transactions: [Digest], signature: Signature?, chain: ChainID) {
        self.header = header
        self.transactions = transactions
        self.signature = signature
        self.hash = header.hash(on: chain)
    }

    /// Signs a header as its proposer.
    package static func signed(_ header: BlockHeader, transactions: [Digest], by key: PrivateKey, chain: ChainID) -> Block {
        Block(header: header, transactions: transactions, signature: key.sign(header.hash(on: chain)), chain: chain)
    }

    /// Where a chain with this block on top stands.
    package var head: Head { Head(height: header.height, hash: hash, timestamp: header.timestamp) }
}

extension Block {
    /// Reads a block and checks what it says of itself: `hash`, `txRoot` and, if there, `tx_count`.
    ///
    /// Members that it doesn't know are ignored, so that bodies may travel in the same object.
    package init(_ json: JSON, chain: ChainID) throws(Problem) {
        var fields = try JSONFields(json, "block")
        let height = try fields.integer("height")
        let proposer = try fields.string("proposer", maxBytes: 128)
        let signature = try fields.string("sig")
        let header = BlockHeader(
            parent: try fields.digest("parent"), height: height, timestamp: try fields.integer("timestamp"),
            proposer: proposer.isEmpty && height == 0 ? nil : try Address(proposer), txRoot: try fields.digest("txRoot"),
            stateRoot: try fields.digest("stateRoot"))
        var transactions: [Digest] = []
        for element in try fields.array("txs", maxCount: Self.maxTransactions) {
            guard case .string(let text) = element, let hash = Digest(hex: text) else {
                throw Problem(.badHex, "\"txs\" holds something that is not a transaction hash")
            }
            transactions.append(hash)
        }
        let signed: Signature? = if signature.isEmpty && height == 0 { nil } else { try fields.signature("sig") }
        self.init(header: header, transactions: transactions, signature: signed, chain: chain)
        guard try fields.digest("hash") == hash else { throw Problem(.badBlock, "\"hash\" is not the header's") }
        guard BlockHeader.txRoot(transactions) == header.txRoot else { throw Problem(.wrongTxRoot, "txRoot is not that of \"txs\"") }
        if let count = try fields.optionalInteger("tx_count"), count != Int64(transactions.count) {
            throw Problem(.badBlock, "\"tx_count\" is not the number of \"txs\"")
        }
    }

    /// The block without its list of transactions.
    package var headerJSON: JSON {
        guard let object = json.objectValue else { return json }
        return .object(JSONObject(distinct: object.members.filter { $0.key != "txs" }.map { ($0.key, $0.value) }))
    }

    package var json: JSON {
        [
            "parent": .string(header.parent.hex),
            "height": .integer(header.height),
            "timestamp": .integer(header.timestamp),
            "proposer": .string(header.proposer?.text ?? ""),
            "txs": .array(transactions.map { .string($0.hex) }),
            "txRoot": .string(header.txRoot.hex),
            "stateRoot": .string(header.stateRoot.hex),
            "sig": .string(signature?.hex ?? ""),
            "hash": .string(hash.hex),
            "tx_count": .integer(Int64(transactions.count)),
        ]
    }
}

/// The top of a chain: all that the next block and the choice between forks need to know of it.
package struct Head: Hashable, Sendable {
    package let height: Int64
    package let hash: Digest
    package let timestamp: Int64

    package init(height: Int64, hash: Digest, timestamp: Int64) {
        self.height = height
        self.hash = hash
        self.timestamp = timestamp
    }
}
