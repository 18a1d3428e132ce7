import Ledger
import Signing
import Testing
import Wire

/// Signed bodies are read strictly.
struct DecodingTests {
    @Test func transactionsRefuseWhatTheyDoNotKnow() throws {
        let world = try World()
        let transaction = try world.transfer(5, from: world.client, to: world.miner.address)
        let object = try #require(transaction.json.objectValue)
        #expect(try Transaction(transaction.json) == transaction)
        let bad: [(String, JSON, Problem.Code)] = [
            ("extra", 1, .unknownField), ("type", "transfer", .unsupportedTransaction), ("type", 1, .wrongType), ("sender", "ait1", .badAddress),
            ("sender", .string(world.client.address.text.uppercased()), .badAddress), ("nonce", "1", .wrongType), ("fee", .null, .wrongType),
            ("payload", [], .wrongType), ("pubkey", "", .badPublicKey), ("pubkey", .null, .wrongType),
            ("sig", .string(String(repeating: "A", count: 128)), .badSignature), ("sig", "00", .badSignature),
        ]
        for (name, value, expected) in bad {
            #expect(code { try Transaction(.object(object.setting(name, to: value))) } == expected, "\(name)")
        }
        for name in ["type", "sender", "nonce", "fee", "payload", "sig"] {
            let without = object.members.filter { $0.key != name }.map { ($0.key, $0.value) }
            #expect(code { try Transaction(.object(JSONObject(distinct: without))) } == .missingField, "\(name)")
        }
        let keyless = JSONObject(distinct: object.members.filter { $0.key != "pubkey" }.map { ($0.key, $0.value) })
        #expect(try Transaction(.object(keyless)).publicKey == nil)
    }

    @Test func payloadsAreStrict() throws {
        let world = try World()
        let to = JSON.string(world.miner.address.text)
        let bad: [(JSON, Problem.Code)] = [
            (["to": to, "amount": 0], .outOfRange), (["to": to], .missingField), (["to": to, "amount": 1, "note": "x"], .unknownField),
            (["to": to, "amount": 1, "memo": .string(String(repeating: "é", count: 129))], .outOfRange),
            (["to": to, "amount": 1, "memo": .null], .wrongType), (["to": to, "amount": 1, "quote": .null], .wrongType),
            (["to": to, "amount": 1, "quote": [:]], .missingField),
        ]
        for (json, expected) in bad { #expect(code { try Payload(type: "TRANSFER", json) } == expected, "\(json.canonicalString)") }
        let memo = String(repeating: "é", count: 128)
        #expect(try Payload(type: "TRANSFER", ["to": to, "amount": 1, "memo": .string(memo)]).json["memo"]?.stringValue == memo)
        #expect(code { try Payload(type: "STAKE", ["amount": 0]) } == .outOfRange)
        #expect(code { try Payload(type: "STAKE", ["amount": 1, "to": to]) } == .unknownField)
        #expect(code { try Payload(type: "ESCROW_REFUND", ["job_id": "job_1"]) } == .badHex)
        #expect(code { try Payload(type: "PARAM_UPDATE", ["key": "x", "value": "y"]) } == .wrongType)
        #expect(code { try Payload(type: "RECEIPT_CLAIM", [:]) } == .missingField)
    }

    @Test func quotesAndClaimsAreStrict() throws {
        var world = try World()
        let quote = try world.quote()
        let quoted = try #require(quote.json.objectValue)
        let claimed = try #require(world.claim(quote, payment: .zero).json.objectValue)
        let badQuotes: [(String, JSON, Problem.Code)] = [
            ("price", 0, .outOfRange), ("parts", 0, .outOfRange), ("parts", 4097, .outOfRange), ("salt", "AA", .badHex),
            ("job_id", .string("job_" + String(repeating: "A", count: 32)), .badHex), ("extra", 1, .unknownField), ("spec_hash", "", .badHex),
        ]
        for (name, value, expected) in badQuotes {
            #expect(code { try Quote(.object(quoted.setting(name, to: value))) } == expected, "\(name)")
        }
        let badClaims: [(String, JSON, Problem.Code)] = [
            ("output_hash", .string(Digest.zero.hex), .badHex), ("output_hash", "sha256:", .badHex), ("receipt_id", "rcpt_", .badHex),
            ("nonce", "0", .badHex), ("extra", 1, .unknownField), ("height", 1, .unknownField), ("part", "0", .wrongType),
        ]
        for (name, value, expected) in badClaims {
            #expect(code { try ReceiptClaim(.object(claimed.setting(name, to: value))) } == expected, "\(name)")
        }
    }

    @Test func quotesAreNotMadeOutOfRange() throws {
        let world = try World()
        for (units, price, parts, expires) in [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 4097, 1), (1, 1, 1, -1)] as [(Int64, Int64, Int64, Int64)] {
            #expect(
                code {
                    try Quote.signed(
                        by: world.coordinator, chain: world.chain, client: world.client.address, specHash: .zero,
                        salt: Salt(String(repeating: "0", count: 32)), computeUnits: units, price: price, parts: parts, expiresHeight: expires)
                } == .outOfRange)
        }
    }

    @Test func storedRecordsReadBack() throws {
        var world = try World()
        let quote = try world.quote(parts: 2)
        let payment = try world.open(quote)
        try world.run(world.submit(world.claim(quote, payment: payment)))
        for change in world.state.records {
            let record = try #require(change.record)
            #expect(try Record(change.key, JSON.parse(record.json.canonicalBytes)) == record)
        }
        let escrow = try #require(world.state[RecordKey(.escrow, quote.jobID.text)]?.json.objectValue)
        let bad: [(String, JSON)] = [("claimed", [1, 0]), ("claimed", [2]), ("claimed", [0, 0]), ("status", "gone"), ("parts", 0)]
        for (name, value) in bad {
            #expect(code { try Record(RecordKey(.escrow, quote.jobID.text), .object(escrow.setting(name, to: value))) } == .outOfRange, "\(name)")
        }
    }
}
