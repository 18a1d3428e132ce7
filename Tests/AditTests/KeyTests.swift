import Foundation
import Testing
import Wire

/// Keys in the program: how they are made, opened and kept secret.
@Suite struct KeyTests {
    static let passphrase = "correct horse battery staple"

    private func write(_ text: String, _ name: String, in folder: URL, mode: Int = 0o600) {
        _ = FileManager.default.createFile(atPath: folder.appending(path: name).path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    }

    @Test func newKeysAreEncrypted() async throws {
        try await Program.inFolder { folder in
            write(Self.passphrase + "\n", "pass", in: folder)
            let made = try await Program.run(["wallet", "new", "a.key", "--passphrase-file", "pass", "--json"], in: folder)
            #expect(made.status == 0, "\(made.complaints)")
            let file = try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "a.key"))))
            #expect(file["format"] == "adit-key-v2")
            #expect(file["kdf"]?["memory_kib"]?.integerValue == 262_144)
            // The address needs no passphrase; a signature does.
            #expect(try await Program.run(["wallet", "address", "a.key", "--json"], in: folder).output.contains(file["address"]?.stringValue ?? "?"))
            let sign = ["sign", "GET", "http://127.0.0.1:1/tasks", "--key", "a.key"]
            #expect(try await Program.run(sign + ["--passphrase-file", "pass"], in: folder).output.contains("Signature: "))
            #expect(try await Program.run(sign, in: folder, environment: ["PASSPHRASE_FILE": "pass"]).status == 0)
            let refused = try await Program.run(sign, in: folder)
            #expect(refused.status == 1)
            #expect(refused.complaints.contains("[passphrase_required]") && refused.complaints.contains("--passphrase-file"))
            // The service manager's credentials, with the bits that an access list shows.
            try FileManager.default.createDirectory(at: folder.appending(path: "credentials"), withIntermediateDirectories: true)
            write(Self.passphrase, "credentials/adit-passphrase", in: folder, mode: 0o440)
            let credentials = ["CREDENTIALS_DIRECTORY": folder.appending(path: "credentials").path]
            #expect(try await Program.run(sign, in: folder, environment: credentials).status == 0)
            // A key file among them, too; nowhere else, and not one that everybody reads.
            let sealed = try String(contentsOf: folder.appending(path: "a.key"), encoding: .utf8)
            for (name, mode, status) in [("credentials/b.key", 0o440, Int32(0)), ("credentials/c.key", 0o444, 1), ("d.key", 0o440, 1)] {
                write(sealed, name, in: folder, mode: mode)
                let path = folder.appending(path: name).path
                let outcome = try await Program.run(["sign", "GET", "http://127.0.0.1:1/x", "--key", path], in: folder, environment: credentials)
                #expect(outcome.status == status, "\(name): \(outcome.complaints)")
            }
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await Program.inFolder { folder in
            write(Self.passphrase, "pass", in: folder)
            write("something else", "wrong", in: folder)
            write("short", "short", in: folder)
            write(Self.passphrase, "open", in: folder, mode: 0o644)
            let none = try await Program.run(["wallet", "new", "a.key"], in: folder)
            #expect(none.status == 1 && none.complaints.contains("[passphrase_required]"))
            for name in ["short", "open"] {
                let outcome = try await Program.run(["wallet", "new", "a.key", "--passphrase-file", name], in: folder)
                #expect(outcome.status == 1 && outcome.complaints.contains("[bad_passphrase]"), "\(outcome.complaints)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "a.key").path))
            #expect(try await Program.run(["wallet", "new", "a.key", "--passphrase-file", "pass"], in: folder).status == 0)
            for command in [["coordinator", "run", "--bind", "127.0.0.1:0"], ["sign", "GET", "http://127.0.0.1:1/x"]] {
                let outcome = try await Program.run(command + ["--key", "a.key", "--passphrase-file", "wrong"], in: folder)
                #expect(outcome.status == 1 && outcome.complaints.contains("[wrong_passphrase]"), "\(outcome.complaints)")
            }
            // A service without a passphrase makes no key of its own.
            let miner = try await Program.run(["miner", "run"], in: folder)
            #expect(miner.status == 1 && miner.complaints.contains("[passphrase_required]"), "\(miner.complaints)")
        }
    }

    @Test func plainKeysWarnAndCanBeEncrypted() async throws {
        try await Program.inFolder { folder in
            write(Self.passphrase, "pass", in: folder)
            write("another passphrase", "next", in: folder)
            #expect(try await Program.run(["wallet", "new", "a.key", "--plain"], in: folder).status == 0)
            let sign = ["sign", "GET", "http://127.0.0.1:1/x", "--key", "a.key"]
            let plain = try await Program.run(sign, in: folder)
            #expect(plain.status == 0 && plain.complaints.contains("change-passphrase a.key"))
            #expect(try await Program.run(["wallet", "change-passphrase", "a.key", "--new-passphrase-file", "pass"], in: folder).status == 0)
            let sealed = try await Program.run(sign + ["--passphrase-file", "pass"], in: folder)
            #expect(sealed.status == 0 && sealed.complaints.isEmpty, "\(sealed.complaints)")
            let change = ["wallet", "change-passphrase", "a.key", "--new-passphrase-file", "next", "--passphrase-file"]
            #expect(try await Program.run(change + ["next"], in: folder).complaints.contains("[wrong_passphrase]"))
            #expect(try await Program.run(change + ["pass"], in: folder).status == 0)
            #expect(try await Program.run(sign + ["--passphrase-file", "next"], in: folder).status == 0)
            #expect(try await Program.run(sign + ["--passphrase-file", "pass"], in: folder).status == 1)
        }
    }

    /// A person at a terminal: asked twice for a new one, once for an old one, with nothing echoed and the echo back at the end.
    @Test func asksOnTheTerminalWithoutEcho() async throws {
        try await Program.inFolder { folder in
            let terminal = try Pseudoterminal()
            #expect(terminal.echoes)
            let made = try await Program.run(["wallet", "new", "a.key"], in: folder, terminal: terminal) { prompts in
                // Backspace takes back a character; Ctrl-U the line.
                try terminal.press(prompts == 1 ? "rubbish\u{15}\(Self.passphrase)x\u{7f}\n" : "\(Self.passphrase)\n")
            }
            #expect(made.status == 0, "\(made.complaints)")
            #expect(made.complaints.contains("New passphrase for a.key") && made.complaints.contains("The same again"))
            #expect(terminal.echoes)

            let differ = try await Program.run(["wallet", "new", "b.key"], in: folder, terminal: terminal) { prompts in
                try terminal.press(prompts % 2 == 1 ? "one passphrase\n" : "another passphrase\n")
            }
            #expect(differ.complaints.contains("[bad_passphrase]"))
            #expect(differ.complaints.components(separatedBy: "Again, please").count == 3, "three tries")
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "b.key").path))

            let short = try await Program.run(["wallet", "new", "c.key"], in: folder, terminal: terminal) { prompts in
                try terminal.press(prompts == 1 ? "short\n" : "\(Self.passphrase)\n")
            }
            #expect(short.status == 0 && short.complaints.contains("at least 8") && short.complaints.contains("Again, please"), "\(short.complaints)")

            let sign = ["sign", "GET", "http://127.0.0.1:1/x", "--key", "a.key"]
            let second = try await Program.run(sign, in: folder, terminal: terminal) { prompts in
                try terminal.press(prompts == 1 ? "not this one\n" : "\(Self.passphrase)\n")
            }
            #expect(second.status == 0, "\(second.complaints)")
            let canceled = try await Program.run(sign, in: folder, terminal: terminal) { _ in try terminal.press("half of it\u{3}") }
            #expect(canceled.status == 1 && canceled.complaints.contains("[canceled]"))
            #expect(terminal.echoes)
            let echoed = terminal.echoed()
            #expect(!echoed.contains("horse") && !echoed.contains("passphrase") && !echoed.contains("half"), "\(echoed)")
        }
    }
}
