import Foundation
import Testing
import Wire

/// No secret in anything that the program writes, whatever goes wrong.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(3))) func noSecretLeavesTheProgram() async throws {
        try await Program.inFolder { folder in
            let passphrase = "nobody may ever read this"
            func write(_ text: String, _ name: String, mode: Int = 0o600) {
                _ = FileManager.default.createFile(
                    atPath: folder.appending(path: name).path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
            }
            write(passphrase, "pass")
            // A plain key tells its seed, which must be nowhere once the file is encrypted.
            #expect(try await Program.run(["wallet", "new", "a.key", "--plain"], in: folder).status == 0)
            let seed = try #require(try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "a.key"))))["seed"]?.stringValue)
            #expect(try await Program.run(["wallet", "change-passphrase", "a.key", "--new-passphrase-file", "pass"], in: folder).status == 0)
            let sealed = String(decoding: try Data(contentsOf: folder.appending(path: "a.key")), as: UTF8.self)
            write(sealed, "world.key", mode: 0o644)
            write(String(sealed.dropLast(40)), "cut.key")
            write(sealed.replacing("\"operations\":3", with: "\"operations\":2"), "changed.key")
            write(sealed.replacing("adit-key-v2", with: "adit-key-v9"), "version.key")
            write(sealed.replacing("262144", with: "1048576000"), "greedy.key")
            write("{\"format\":\"adit-key-v1\",\"seed\":\"\(seed)\",\"address\":\"ait1\"}", "damaged.key")
            write("{\"format\":\"adit-key-v1\",\"seed\":\"\(seed)0\"}", "long.key")
            write("{\"pass_phrase_file\":\"\(passphrase)\"}", "bad.json")
            write(String(repeating: passphrase, count: 100), "huge")
            write("", "empty")

            let key = ["--key", "a.key", "--passphrase-file", "pass"]
            var runs: [[String]] = ["a", "world", "cut", "changed", "version", "greedy", "damaged", "long"].map {
                ["sign", "GET", "http://127.0.0.1:1/x", "--key", "\($0).key", "--passphrase-file", "pass"]
            }
            runs += ["huge", "empty", "absent", "a.key", "."].map { ["sign", "GET", "http://127.0.0.1:1/x", "--key", "a.key", "--passphrase-file", $0] }
            runs += [
                ["wallet", "new", "a.key", "--passphrase-file", "pass"], ["wallet", "balance", "--node", "http://127.0.0.1:1"] + key,
                ["wallet", "send", "ait1", "1", "--node", "http://127.0.0.1:1"] + key, ["wallet", "send"] + key,
                ["job", "list", "--coordinator", "http://127.0.0.1:1"] + key,
                ["wallet", "change-passphrase", "a.key", "--new-passphrase-file", "empty"] + key.dropFirst(2),
                ["coordinator", "run", "--bind", "127.0.0.1:0", "--node", "nonsense", "--log-level", "trace"] + key,
                ["coordinator", "run", "--config", "bad.json"] + key,
                ["miner", "run", "--payout", "nonsense", "--log-level", "trace", "--data", "m"] + key,
                ["node", "init", "--proposer-key", "a.key", "--admin-key", "a.key", "--coordinator-key", "a.key", "--passphrase-file", "pass"],
                ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0", "--db", ".", "--proposer-key", "a.key", "--passphrase-file", "pass"],
            ]
            let raw = try #require(Hex.decode(seed))
            let forms = [seed, seed.uppercased(), Data(raw).base64EncodedString(), "\(raw)", passphrase]
            var statuses: Set<Int32> = []
            for arguments in runs {
                let outcome = try await Program.run(arguments, in: folder)
                statuses.insert(outcome.status)
                for form in forms {
                    #expect(!outcome.output.contains(form) && !outcome.complaints.contains(form), "\(arguments)")
                }
            }
            #expect(statuses.isSuperset(of: [0, 1]))

            // Nor in any file that the program wrote.
            let inputs: Set = ["pass", "huge", "bad.json", "damaged.key", "long.key"]
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { !inputs.contains($0) }
            #expect(files.contains("data/genesis.json"))
            for file in files {
                guard let data = try? Data(contentsOf: folder.appending(path: file)) else { continue }
                for form in forms.map({ Data($0.utf8) }) + [Data(raw)] { #expect(data.range(of: form) == nil, "\(file)") }
            }
        }
    }

    /// A process that holds a key leaves no core file, locks its key, and its memory isn't dumpable.
    @Test(.timeLimit(.minutes(1))) func aRunningServiceKeepsItsKeyToItself() async throws {
        try await Program.inFolder { folder in
            #expect(try await Program.run(["node", "init", "--plain"], in: folder).status == 0)
            let arguments = ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0", "--proposer-key", "data/proposer.key"]
            try await Program.whileRunning(arguments, in: folder, until: "node_ready") { process, log in
                let proc = "/proc/\(process.processIdentifier)"
                let limits = try String(contentsOfFile: proc + "/limits", encoding: .utf8)
                let core = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
                #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(core)")
                let status = try String(contentsOfFile: proc + "/status", encoding: .utf8)
                let locked = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
                #expect(!locked.contains(" 0 kB") || log.contains("ulimit -l"), "\(locked)")
                #expect(log.contains("key_warning"))
                let seed = try #require(
                    try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "data/proposer.key"))))["seed"]?.stringValue)
                #expect(!log.contains(seed))
            }
        }
    }
}
