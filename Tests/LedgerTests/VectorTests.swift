import Ledger
import Signing
import TestSupport
import Testing
import Wire

/// protocol-v1.json: values of an independent implementation.
@Suite(.enabled(if: Vectors.present, Vectors.missing))
struct VectorTests {
    @Test func transactions() throws {
        let cases = try Vectors.protocolCases("transactions")
        #expect(cases.count == 12)
        for item in cases {
            let chain = try ChainID(#require(item["chain_id"]?.stringValue))
            let transaction = try Transaction(#require(item["tx"]))
            let hash = transaction.hash(on: chain)
            #expect(hash.hex == item["hash"]?.stringValue)
            #expect(transaction.json == item["tx"])
            try transaction.checkSignature(hash: hash, known: nil)
            let key = try #require(PrivateKey(seedHex: item["seed"]?.stringValue ?? ""))
            let again = Transaction.signed(by: key, chain: chain, nonce: transaction.nonce, fee: transaction.fee, payload: transaction.payload)
            #expect(again.json == item["tx"])
            let elsewhere = try ChainID("ait-elsewhere")
            #expect(code { try transaction.checkSignature(hash: transaction.hash(on: elsewhere), known: nil) } == .badSignature)
        }
    }

    @Test func quotes() throws {
        let cases = try Vectors.protocolCases("quotes")
        #expect(cases.count == 6)
        for item in cases {
            let chain = try ChainID(#require(item["chain_id"]?.stringValue))
            let quote = try Quote(#require(item["quote"]))
            #expect(quote.json == item["quote"])
            #expect(quote.holds(on: chain))
            #expect(quote.specHash == item["spec"]?.canonicalDigest)
            let key = try #require(PrivateKey(seedHex: item["coordinator_seed"]?.stringValue ?? ""))
            let again = try Quote.signed(
                by: key, chain: chain, client: quote.client, specHash: quote.specHash, salt: quote.salt, computeUnits: quote.computeUnits,
                price: quote.price, parts: quote.parts, expiresHeight: quote.expiresHeight)
            #expect(again == quote)
            for (name, value) in quote.json.objectValue?.members ?? [] {
                guard case .integer(let number) = value, let object = quote.json.objectValue else { continue }
                let altered = try Quote(.object(object.setting(name, to: .integer(number - 1 == 0 ? 2 : number - 1))))
                #expect(!altered.holds(on: chain), "\(name)")
            }
        }
    }

    @Test func receipts() throws {
        let cases = try Vectors.protocolCases("receipts")
        #expect(cases.count == 6)
        for item in cases {
            let chain = try ChainID(#require(item["chain_id"]?.stringValue))
            let claim = try ReceiptClaim(#require(item["payload"]))
            #expect(claim.json == item["payload"])
            #expect(claim.terms.namesItself(on: chain))
            #expect(claim.minerSignatureHolds(on: chain))
            #expect(claim.coordinatorSignatureHolds(on: chain, under: claim.coordinatorKey))
            #expect(claim.terms.outputHash.digest == item["output_meta"]?.canonicalDigest)
            let miner = try #require(PrivateKey(seedHex: item["miner_seed"]?.stringValue ?? ""))
            let coordinator = try #require(PrivateKey(seedHex: item["coordinator_seed"]?.stringValue ?? ""))
            #expect(miner.sign(claim.terms.receiptDigest(on: chain)) == claim.minerSignature)
            #expect(coordinator.sign(claim.terms.attestDigest(on: chain, payment: claim.payment)) == claim.coordinatorSignature)
            let payment = try Transaction(#require(item["payment"]))
            #expect(payment.hash(on: chain) == claim.payment)
            guard case .transfer(let transfer) = payment.payload, let quote = transfer.quote else {
                Issue.record("the payment is not a deposit")
                continue
            }
            #expect(try quote.units(of: claim.terms.part) == claim.terms.computeUnits)
            #expect(try quote.price(of: claim.terms.part) == claim.terms.price)
        }
    }

    @Test func headers() throws {
        let cases = try Vectors.protocolCases("headers")
        #expect(cases.count == 5)
        for item in cases {
            let chain = try ChainID(#require(item["chain_id"]?.stringValue))
            let json = try #require(item["block"])
            let block = try Block(json, chain: chain)
            let key = try #require(PrivateKey(seedHex: item["seed"]?.stringValue ?? ""))
            #expect(Block.signed(block.header, transactions: block.transactions, by: key, chain: chain) == block)
            #expect(block.json["tx_count"] == .integer(Int64(block.transactions.count)))
            #expect(try Block(block.json, chain: chain) == block)
            let object = try #require(json.objectValue)
            #expect(code { try Block(.object(object.setting("height", to: 1)), chain: chain) } == .badBlock)
            let other: JSON = .array([.string(Digest.zero.hex)])
            #expect(code { try Block(.object(object.setting("txs", to: other)), chain: chain) } == .wrongTxRoot)
            #expect(code { try Block(.object(object.setting("tx_count", to: 7777)), chain: chain) } == .badBlock)
        }
    }

    @Test func stateRoots() throws {
        let cases = try Vectors.protocolCases("state_roots")
        #expect(cases.count == 7)
        for item in cases {
            var records: [RecordChange] = []
            for record in item["records"]?.arrayValue ?? [] {
                let kind = try #require(RecordKind(rawValue: record["kind"]?.stringValue ?? ""))
                let key = RecordKey(kind, record["id"]?.stringValue ?? "")
                let value = try #require(record["value"])
                let typed = try Record(key, value)
                #expect(typed.json == value)
                records.append(RecordChange(key: key, record: typed))
            }
            let root = item["root"]?.stringValue
            #expect(try StateTree().updating(records).root.hex == root)
            var oneByOne = StateTree()
            for record in records.reversed() { oneByOne = try oneByOne.updating([record]) }
            #expect(oneByOne.root.hex == root)
            for record in oneByOne { oneByOne = try oneByOne.updating([RecordChange(key: record.key, record: nil)]) }
            #expect(oneByOne.root == .zero && oneByOne.count == 0)
        }
    }
}
