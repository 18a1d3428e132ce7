import Foundation
import Testing
import Wire

/// `adit node simulate` and `adit node verify`, as an operator runs them.
@Suite struct NodeVerifyTests {
    @Test func aChainIsMadeAndExecutedAgain() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["node", "simulate", "chain.db", "--blocks", "20", "--jobs", "2", "--json"], in: folder)
            #expect(made.status == 0, "\(made.complaints)")
            let sound = try await Program.run(["node", "verify", "--db", "chain.db", "--genesis", "chain.db.genesis.json", "--json"], in: folder)
            #expect(sound.status == 0, "\(sound.complaints)")
            let found = try JSON.parse(Array(sound.output.utf8.dropLast()))
            #expect(found["ok"] == true && found["height"] == 20 && found["claims"] == 38 && found["transactions"] == 78)
            let told = try await Program.run(["node", "verify", "--db", "chain.db"], in: folder)
            #expect(told.output.contains("every block is what it should be") && told.output.contains("38 claims"))
            // A byte of a transaction in the last block, past the node.
            let file = folder.appending(path: "chain.db")
            var bytes = try Data(contentsOf: file)
            let place = try #require(bytes.range(of: Data("\"amount\":50".utf8)))
            bytes[place.upperBound - 2] = UInt8(ascii: "6")
            try bytes.write(to: file)
            let bad = try await Program.run(["node", "verify", "--db", "chain.db"], in: folder)
            #expect(bad.status == 1 && bad.complaints.contains("is bad") && bad.complaints.contains("wrong_tx_root"), "\(bad.complaints)")
            let none = try await Program.run(["node", "verify", "--db", "none.db"], in: folder)
            #expect(none.status == 1 && none.complaints.contains("[not_found]"))
            let again = try await Program.run(["node", "simulate", "chain.db", "--blocks", "1"], in: folder)
            #expect(again.status == 1, "nothing is overwritten")
        }
    }
}
