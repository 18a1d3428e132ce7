import Jobs
import Ledger
import TestSupport
import Testing
import Wire

@Suite("Golden values of PROTOCOL section 4", .enabled(if: Vectors.present, Vectors.missing))
struct VectorTests {
    @Test func specsHashAsTheirQuotesSay() throws {
        let quotes = try Vectors.protocolCases("quotes")
        #expect(!quotes.isEmpty)
        for entry in quotes {
            let document = try #require(entry["spec"])
            let spec = try JobSpec(json: document)
            #expect(spec.json == document)
            #expect(spec.hash.hex == entry["quote"]?["spec_hash"]?.stringValue)
        }
    }

    @Test func outputMetadataHashesAsItsReceiptSays() throws {
        let receipts = try Vectors.protocolCases("receipts")
        #expect(!receipts.isEmpty)
        for entry in receipts {
            let document = try #require(entry["output_meta"])
            let output = try OutputMetadata(json: document)
            #expect(output.json == document)
            #expect(output.hash.text == entry["payload"]?["output_hash"]?.stringValue)
        }
    }

    @Test func receiptsOfClaimsHold() throws {
        for entry in try Vectors.protocolCases("receipts") {
            let payload = try #require(entry["payload"])
            let claim = try ReceiptClaim(payload)
            let receipt = try SignedReceipt(
                json: payload.with("client_payment_tx", nil).with("coordinator_pubkey", nil).with("coordinator_sig", nil))
            let chain = try ChainID(try #require(entry["chain_id"]?.stringValue))
            try receipt.check(against: claim.terms, on: chain)
        }
    }
}
