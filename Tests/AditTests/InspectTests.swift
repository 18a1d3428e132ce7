import Foundation
import TestSupport
import Testing
import Wire

@Suite struct InspectTests {
    private func inspect(_ kind: String, _ document: String, _ options: [String] = []) async throws -> Program.Outcome {
        try await Program.inFolder { folder in try await Program.run(["inspect", kind, "-"] + options, in: folder, input: document) }
    }

    @Test func canonicalFormAndHash() async throws {
        let outcome = try await inspect("json", "{\"b\": 1, \"a\": [true]}")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("canonical: {\"a\":[true],\"b\":1}"))
        #expect(outcome.output.contains(SHA256.hash(utf8: "{\"a\":[true],\"b\":1}").hex))
    }

    @Test(arguments: [("{\"a\":1,\"a\":2}", "duplicate_key"), ("{\"a\":1.0}", "not_an_integer"), ("[1,]", "bad_json"), ("", "bad_json")])
    func refusedDocuments(text: String, code: String) async throws {
        let outcome = try await inspect("json", text)
        #expect(outcome.status == 1)
        #expect(outcome.complaints.contains("[\(code)]"))
        #expect(outcome.output.isEmpty)
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func transactionsHoldOnTheirChainAlone() async throws {
        let golden = try Vectors.json("protocol-v1.json")
        for entry in try #require(golden["transactions"]?.arrayValue).prefix(4) {
            let chain = try #require(entry["chain_id"]?.stringValue)
            let document = try #require(entry["tx"]).canonicalString
            let good = try await inspect("tx", document, ["--chain-id", chain, "--json"])
            #expect(good.status == 0, "\(good.complaints)")
            #expect(try JSON.parse(Array(good.output.utf8.dropLast()))["hash"] == entry["hash"])
            let elsewhere = try await inspect("tx", document, ["--chain-id", "another-chain"])
            #expect(elsewhere.status == 1)
            #expect(elsewhere.complaints.contains("[bad_signature]"))
        }
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func receiptsHoldUnlessAltered() async throws {
        let golden = try Vectors.json("protocol-v1.json")
        let entry = try #require(golden["receipts"]?.arrayValue?.first)
        let chain = try #require(entry["chain_id"]?.stringValue)
        let payload = try #require(entry["payload"]?.objectValue)
        let good = try await inspect("receipt", JSON.object(payload).canonicalString, ["--chain-id", chain])
        #expect(good.status == 0, "\(good.complaints)")
        for (key, value) in [("price", JSON.integer(1)), ("compute_units", 1), ("nonce", .string(String(repeating: "0", count: 32))), ("part", 1)] {
            let altered = try await inspect("receipt", JSON.object(payload.setting(key, to: value)).canonicalString, ["--chain-id", chain])
            #expect(altered.status == 1, "\(key)")
        }
    }

    @Test func addressesAndKeys() async throws {
        try await Program.inFolder { folder in
            let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            let derived = try await Program.run(["inspect", "address", key, "--json"], in: folder)
            let address = try #require(try JSON.parse(Array(derived.output.utf8.dropLast()))["address"]?.stringValue)
            #expect(try await Program.run(["inspect", "address", address], in: folder).status == 0)
            #expect(try await Program.run(["inspect", "address", address.uppercased()], in: folder).status == 1)
            #expect(try await Program.run(["inspect", "address", String(address.dropLast())], in: folder).status == 1)
        }
    }

    @Test func tensorFiles() async throws {
        try await Program.inFolder { folder in
            let digits = Vectors.packageRoot.appending(path: "examples/digits-test.safetensors").path
            let good = try await Program.run(["inspect", "tensor", digits], in: folder)
            #expect(good.status == 0)
            #expect(good.output.contains("x  F32 [360,64]"))
            // A header that claims more than there is.
            let header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1000000,1000000],\"data_offsets\":[0,4000000000000]}}"
            var file = Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0])
            file.append(contentsOf: header.utf8)
            try file.write(to: folder.appending(path: "lie.safetensors"))
            let lie = try await Program.run(["inspect", "tensor", "lie.safetensors"], in: folder)
            #expect(lie.status == 1)
            #expect(lie.complaints.contains("[bad_tensor_file]"))
        }
    }
}
