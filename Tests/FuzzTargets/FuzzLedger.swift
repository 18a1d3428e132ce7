import Ledger
import Signing
import Wire

/// Transactions and blocks as a node reads them.
enum FuzzLedger {
    static func transaction(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let chain = accepted({ () throws(Problem) in try ChainID("ait-fuzz") }) else { return }
        guard let json = accepted({ () throws(Problem) in try JSON.parse(bytes) }),
            let transaction = accepted({ () throws(Problem) in try Transaction(json) })
        else { return }
        // Unknown members are refused, so nothing of the document may be lost.
        try demand(transaction.json == json, "an accepted transaction is written otherwise than it was read")
        guard let again = accepted({ () throws(Problem) in try Transaction(try JSON.parse(transaction.json.canonicalBytes)) }) else {
            throw FuzzTarget.Broken("an accepted transaction isn't read again")
        }
        try demand(again == transaction, "an accepted transaction reads back as another")
        let hash = transaction.hash(on: chain)
        try demand(again.hash(on: chain) == hash, "the hash isn't stable")
        try demand(again.payloadSize == transaction.payload.json.canonicalBytes.count, "the fee counts another size")
        let other = Transaction(
            sender: transaction.sender, nonce: transaction.nonce ^ 1, fee: transaction.fee, payload: transaction.payload,
            publicKey: transaction.publicKey, signature: transaction.signature)
        try demand(other.hash(on: chain) != hash, "two nonces have one hash")
        if accepted({ () throws(Problem) in try transaction.checkSignature(hash: hash, known: nil) }) != nil {
            try demand(
                accepted { () throws(Problem) in try other.checkSignature(hash: other.hash(on: chain), known: nil) } == nil,
                "a signature holds for an altered transaction")
        }
    }

    static func block(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let chain = accepted({ () throws(Problem) in try ChainID("ait-fuzz") }) else { return }
        guard let json = accepted({ () throws(Problem) in try JSON.parse(bytes) }) else { return }
        guard let block = accepted({ () throws(Problem) in try Block(json, chain: chain) }) else { return }
        let again = accepted { () throws(Problem) in try Block(try JSON.parse(block.json.canonicalBytes), chain: chain) }
        try demand(again == block, "an accepted block reads back as another")
        try demand(block.hash == block.header.hash(on: chain), "the hash isn't the header's")
        try demand(block.transactions.count <= Block.maxTransactions, "more transactions than a block may hold")
        for member in block.json.objectValue?.members ?? [] {
            guard let read = json[member.key] else {
                try demand(member.key == "tx_count", "\(member.key) was not in the document")
                continue
            }
            try demand(read == member.value, "\(member.key) is written otherwise than it was read")
        }
    }

    private static func key(_ byte: UInt8) throws(Problem) -> PrivateKey { try PrivateKey(seed: [UInt8](repeating: byte, count: 32)) }

    static func quote() throws(Problem) -> Quote {
        try Quote.signed(
            by: try key(3), chain: try ChainID("ait-fuzz"), client: try key(1).address, specHash: SHA256.hash(utf8: "spec"),
            salt: Salt(String(repeating: "ab", count: 16)), computeUnits: 100, price: 700, parts: 2, expiresHeight: 50)
    }

    static func claim() throws(Problem) -> ReceiptClaim {
        let chain = try ChainID("ait-fuzz")
        let quote = try quote()
        let miner = try key(2)
        let terms = try ReceiptTerms(
            chain: chain, jobID: quote.jobID, part: 0, client: quote.client, miner: miner.address, payout: miner.address,
            computeUnits: try quote.units(of: 0), price: try quote.price(of: 0),
            outputHash: try OutputHash("sha256:" + SHA256.hash(utf8: "output").hex), nonce: try Nonce16(String(repeating: "0c", count: 16)))
        let payment = SHA256.hash(utf8: "payment")
        return ReceiptClaim(
            terms: terms, payment: payment, minerKey: miner.publicKey, minerSignature: miner.sign(terms.receiptDigest(on: chain)),
            coordinatorKey: try key(3).publicKey, coordinatorSignature: try key(3).sign(terms.attestDigest(on: chain, payment: payment)))
    }

    static func transactions() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let chain = try ChainID("ait-fuzz")
        let client = try key(1)
        let quote = try quote()
        let keys: JSON = .array([.string(try key(3).publicKey.hex)])
        let payloads: [(String, Payload)] = [
            ("transfer", .transfer(try Transfer(to: try key(2).address, amount: 5, memo: "for \u{e9} \"you\""))),
            ("deposit", .transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))), ("claim", .receiptClaim(try claim())),
            ("refund", .escrowRefund(quote.jobID)), ("stake", .stake(7)), ("unstake", .unstake(7)),
            ("parameter", try Payload(type: "PARAM_UPDATE", ["key": "base_fee", "value": 11])),
            ("authorities", try Payload(type: "PARAM_UPDATE", ["key": "authorities", "value": keys])),
        ]
        var seeds: [(name: String, bytes: [UInt8])] = []
        for (name, payload) in payloads {
            seeds.append((name, Transaction.signed(by: client, chain: chain, nonce: 1, fee: 10, payload: payload).json.canonicalBytes))
        }
        let keyless = Transaction.signed(by: client, chain: chain, nonce: 2, fee: 10, payload: .stake(1), namesKey: false)
        return seeds + [("keyless", keyless.json.canonicalBytes)]
    }

    static func blocks() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let chain = try ChainID("ait-fuzz")
        let proposer = try key(5)
        var seeds: [(name: String, bytes: [UInt8])] = []
        for count in [0, 1, 3] {
            let hashes = (0..<count).map { SHA256.hash(utf8: "\($0)") }
            let header = BlockHeader(
                parent: SHA256.hash(utf8: "parent"), height: 7, timestamp: 1_700_000_000, proposer: proposer.address,
                txRoot: BlockHeader.txRoot(hashes), stateRoot: SHA256.hash(utf8: "state"))
            seeds.append(("block-\(count)", Block.signed(header, transactions: hashes, by: proposer, chain: chain).json.canonicalBytes))
        }
        let first = BlockHeader(parent: .zero, height: 0, timestamp: 1, proposer: nil, txRoot: BlockHeader.txRoot([]), stateRoot: .zero)
        return seeds + [("genesis", Block(header: first, transactions: [], signature: nil, chain: chain).json.canonicalBytes)]
    }
}
