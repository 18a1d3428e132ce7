import Foundation
import Testing
import Wire

extension DevnetSuites {
    /// The whole program, from an empty folder to paid jobs: what the README's first command does.
    @Suite struct DevnetTests {
        @Test(.timeLimit(.minutes(5))) func showsTwoJobsPaidAndChecked() throws {
            let devnet = try #require(RunningDevnet.current)
            let outcome = devnet.once
            #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.complaints)")
            for words in ["quote ", "payment ", "verified ", "receipt ", "claim ", "class \"exact\"", "class \"bits\"", "→"] {
                #expect(outcome.output.contains(words), "\(words)")
            }
            #expect(outcome.output.components(separatedBy: "have the same bits as a reference computed apart").count == 3)

            let path = URL(filePath: devnet.folder).appending(path: "devnet.json")
            #expect(try FileManager.default.attributesOfItem(atPath: path.path)[.posixPermissions] as? Int == 0o600)
            let file = try JSON.parse(Array(try Data(contentsOf: path)).filter { $0 != 0x0A })
            for member in ["chain_id", "rpc", "p2p", "coordinator", "admin_token"] { #expect(file[member]?.stringValue != nil) }
            #expect(file["miners"]?.arrayValue?.count == 1)
            for key in ["client", "miner0", "coordinator", "proposer", "admin"] { #expect(file["keys"]?[key]?["seed"]?.stringValue?.count == 64) }

            // No secret in what the services logged.
            let log = String(decoding: devnet.log, as: UTF8.self)
            #expect(!log.isEmpty)
            for key in ["client", "miner0", "coordinator", "proposer", "admin"] { #expect(!log.contains(file["keys"]?[key]?["seed"]?.stringValue ?? "?")) }
            #expect(!log.contains(file["admin_token"]?.stringValue ?? "?"))
        }
    }
}
