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
            let words = try await Program.run(["wallet", "export", "a.key", "--to-stdout"], in: folder).output.dropLast()
            #expect(words.split(separator: " ").count == 24)
            #expect(try await Program.run(["wallet", "change-passphrase", "a.key", "--new-passphrase-file", "pass"], in: folder).status == 0)
            let list = words.split(separator: " ").map(String.init)
            write(words + "\n", "words")
            write(words + "\n", "words.open", mode: 0o644)
            write(list.dropLast().joined(separator: " "), "words.short")
            write((list.prefix(23) + ["\(seed)"]).joined(separator: " "), "words.mixed")
            write((list.dropFirst() + [list[0]]).joined(separator: " "), "words.turned")
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
            runs += ["words", "words.open", "words.short", "words.mixed", "words.turned", "pass"].flatMap { file in
                [
                    ["wallet", "verify-backup", "a.key", "--words-file", file],
                    ["wallet", "import", "a.key", "--words-file", file, "--passphrase-file", "pass"],
                ]
            }
            // Settings name files and hold no secret; one that was put there by mistake in a variable is gone before anything is shown.
            runs += ["miner", "coordinator", "node", "client"].map { ["config", "show", "--service", $0, "--config", "bad.json"] }
            runs += [["config", "show", "--json"], ["config", "check", "bad.json"]]
            runs += [["wallet", "export", "a.key", "--passphrase-file", "pass"], ["wallet", "export", "a.key", "--no-check", "--passphrase-file", "pass"]]
            let raw = try #require(Hex.decode(seed))
            // Four words in their order are no accident: 44 bits.
            let pieces = (0...20).map { list[$0..<$0 + 4].joined(separator: " ") }
            let forms = [seed, seed.uppercased(), Data(raw).base64EncodedString(), "\(raw)", passphrase] + pieces
            var statuses: Set<Int32> = []
            for arguments in runs {
                let outcome = try await Program.run(arguments, in: folder, environment: ["ADIT_PASSPHRASE": passphrase, "WALLET_SEED": seed])
                statuses.insert(outcome.status)
                for form in forms {
                    #expect(!outcome.output.contains(form) && !outcome.complaints.contains(form), "\(arguments)")
                }
            }
            #expect(statuses.isSuperset(of: [0, 1]))

            // Nor in any file that the program wrote.
            let inputs: Set = [
                "pass", "huge", "bad.json", "damaged.key", "long.key", "words", "words.open", "words.short", "words.mixed", "words.turned",
            ]
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

    /// A crash says nothing of the memory: Swift's own report would show what the registers point to.
    @Test(.timeLimit(.minutes(1)), arguments: [SIGSEGV, SIGILL, SIGABRT]) func aCrashLeavesNothing(signal: Int32) async throws {
        try await Program.inFolder { folder in
            #expect(try await Program.run(["node", "init", "--plain"], in: folder).status == 0)
            let arguments = ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0", "--proposer-key", "data/proposer.key"]
            let node = try Background.start(arguments, in: folder)
            try await node.wait(for: "node_ready", upTo: .seconds(40))
            kill(node.pid, signal)
            #expect(node.end() == signal)
            for word in ["acktrac", "egisters", "crashed", "Thread 0"] { #expect(!node.said.contains(word), "\(node.said.suffix(2000))") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix("core") })
        }
    }

    /// A passphrase in the environment is not read, and no child inherits it: a driver's library, compiled here, writes down what it finds.
    @Test(.timeLimit(.minutes(3)), .enabled(if: OpenCLDriverTests.hasLoader, "no C compiler, or no OpenCL loader, on this machine"))
    func childrenInheritNoSecret() async throws {
        try await Program.inFolder { folder in
            let code = """
                #include <stdio.h>
                #include <stdlib.h>
                extern char **environ;
                __attribute__((constructor)) static void start(void) {
                    FILE *out = fopen(getenv("ADIT_TEST_LIST"), "a");
                    FILE *in = fopen("/proc/self/environ", "r");
                    for (char **entry = environ; *entry; entry++) fprintf(out, "%s\\n", *entry);
                    for (int c; in && (c = fgetc(in)) != EOF;) fputc(c, out);
                    fclose(out);
                }
                """
            try code.write(to: folder.appending(path: "list.c"), atomically: true, encoding: .utf8)
            let script = "mkdir vendors && '\(OpenCLDriverTests.compiler ?? "cc")' -shared -fPIC list.c -o list.so && echo \"$PWD/list.so\" > vendors/list.icd"
            try #require(try await Program.shell(script, in: folder).status == 0)
            let secrets = ["PASSPHRASE": "nobody may read this", "adit_password": "nor may they read that", "CLOUD_SECRET_ACCESS_KEY": "abcdef0123456789"]
            let environment = secrets.merging(
                [
                    "OCL_ICD_VENDORS": folder.appending(path: "vendors").path, "ADIT_TEST_LIST": folder.appending(path: "list.txt").path,
                    "XDG_CACHE_HOME": folder.path, "PASSPHRASE_FILE": "none",
                ]) { $1 }
            #expect(try await Program.run(["wallet", "new", "miner.key", "--plain"], in: folder).status == 0)
            let seed = try #require(try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "miner.key"))))["seed"]?.stringValue)
            let port = Int.random(in: 20_000..<28_000)
            let arguments = [
                "miner", "run", "--key", "miner.key", "--data", "m", "--bind", "127.0.0.1:\(port)", "--coordinator", "http://127.0.0.1:1",
                "--log-level", "trace",
            ]
            let miner = try Background.start(arguments, in: folder, environment: environment)
            try await miner.wait(for: "backend_note", upTo: .seconds(120))
            // Its own, too, is clean: read while it runs, which root alone may.
            let own = (try? Data(contentsOf: URL(filePath: "/proc/\(miner.pid)/environ"))) ?? Data()
            // What it tells whoever asks: no seed, and nothing of the environment. Its health is a 503 while nobody has work, which is an answer, too.
            let told = try await Program.shell(
                """
                curl -s --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:\(port)/status
                for path in receipts metrics health; do curl -s http://127.0.0.1:\(port)/$path || echo no answer; done
                """, in: folder
            ).output
            #expect(told.contains("\"state\"") && told.contains("adit_") && !told.contains("no answer"), "\(told.prefix(400))")
            kill(miner.pid, SIGKILL)
            _ = miner.end()
            for secret in secrets.values + [seed, String(seed.prefix(16))] { #expect(!told.contains(secret) && !miner.said.contains(secret)) }
            // Its payout is its own key's, which it says.
            #expect(miner.said.contains("earnings go to this miner's own key"))
            let listed = try Data(contentsOf: folder.appending(path: "list.txt"))
            #expect(String(decoding: listed, as: UTF8.self).contains("PASSPHRASE_FILE=none"), "the child was started")
            for (name, secret) in secrets {
                #expect(listed.range(of: Data(secret.utf8)) == nil && own.range(of: Data(secret.utf8)) == nil, "\(name)")
                #expect(!String(decoding: listed, as: UTF8.self).split(separator: "\n").contains { $0.hasPrefix(name + "=") })
                #expect(!miner.said.contains(secret))
            }
            // Who believed that it is read is told.
            let asked = try await Program.run(["wallet", "new", "b.key"], in: folder, environment: ["PASSPHRASE": "nobody may read this"])
            #expect(asked.complaints.contains("[passphrase_required]") && asked.complaints.contains("PASSPHRASE in the environment is not read"))
        }
    }
}
