import Foundation
import Testing
import Wire

/// A key's 24 words: shown, asked back, typed in again.
@Suite struct BackupCommandTests {
    private static let seed = "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863"
    /// Its words, by BIP-39's published vectors.
    private static let words =
        "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside"
    private static let list = words.split(separator: " ").map(String.init)

    private func write(_ text: String, _ name: String, in folder: URL, mode: Int = 0o600) {
        _ = FileManager.default.createFile(atPath: folder.appending(path: name).path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    }

    /// A folder with the passphrase in `pass` and the words' key in `a.key`; gives the address.
    private func prepare(_ folder: URL) async throws -> String {
        write(KeyTests.passphrase, "pass", in: folder)
        write(Self.words + "\n", "words", in: folder)
        let made = try await Program.run(["wallet", "import", "a.key", "--words-file", "words", "--passphrase-file", "pass", "--json"], in: folder)
        #expect(made.status == 0, "\(made.complaints)")
        return try #require(try JSON.parse(Array(made.output.utf8.dropLast()))["address"]?.stringValue)
    }

    @Test func wordsMakeTheKeyFileAgain() async throws {
        try await Program.inFolder { folder in
            let address = try await prepare(folder)
            let file = try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "a.key"))))
            #expect(file["format"] == "adit-key-v2" && file["address"]?.stringValue == address)
            // Plain, the file shows that the words are the seed itself.
            let plain = try await Program.run(["wallet", "import", "b.key", "--words-file", "words", "--plain"], in: folder)
            #expect(plain.status == 0 && plain.output.hasPrefix(address))
            #expect(try JSON.parse(Array(try Data(contentsOf: folder.appending(path: "b.key"))))["seed"]?.stringValue == Self.seed)
            // Out again, aloud.
            let out = try await Program.run(["wallet", "export", "a.key", "--to-stdout", "--passphrase-file", "pass"], in: folder)
            #expect(out.status == 0 && out.output == Self.words + "\n" && out.complaints.isEmpty)
            let same = try await Program.run(["wallet", "verify-backup", "a.key", "--words-file", "words"], in: folder)
            #expect(same.status == 0 && same.output.contains(address), "\(same.complaints)")
        }
    }

    @Test func nothingLeaksAndNothingIsOverwritten() async throws {
        try await Program.inFolder { folder in
            let address = try await prepare(folder)
            let before = try Data(contentsOf: folder.appending(path: "a.key"))
            // Not into a file or a pipe, unless said aloud.
            let quiet = try await Program.run(["wallet", "export", "a.key", "--passphrase-file", "pass"], in: folder)
            #expect(quiet.status == 1 && quiet.complaints.contains("[forbidden]") && quiet.complaints.contains("--to-stdout"))
            #expect(!quiet.output.contains("panda") && !quiet.complaints.contains("panda"))
            let again = try await Program.run(["wallet", "import", "a.key", "--words-file", "words", "--passphrase-file", "pass"], in: folder)
            #expect(again.status == 1 && again.complaints.contains("[key_file_exists]"))
            #expect(try Data(contentsOf: folder.appending(path: "a.key")) == before)

            func refused(_ text: String, mode: Int = 0o600) async throws -> String {
                write(text, "bad", in: folder, mode: mode)
                let outcome = try await Program.run(["wallet", "import", "n.key", "--words-file", "bad", "--plain"], in: folder)
                #expect(outcome.status == 1 && outcome.complaints.contains("[bad_backup]"), "\(outcome.complaints)")
                #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "n.key").path))
                return outcome.complaints
            }
            #expect(try await refused(Self.words, mode: 0o644).contains("chmod 600"))
            #expect(try await refused(Self.words.replacing("gorilla", with: "gorila")).contains("word 4 is not in the list; the nearest is \"gorilla\""))
            #expect(try await refused(Self.words.replacing("panda", with: "zoo")).contains("checksum"))
            #expect(try await refused(Self.list.dropLast().joined(separator: " ")).contains("there are 23"))
            #expect(try await !refused("correct horse battery staple").contains("horse"))
            #expect(try await refused(String(repeating: "zoo ", count: 1000)).contains("longer"))
            // A good backup of another key.
            let zoo = String(repeating: "zoo ", count: 23) + "vote"
            write(zoo, "other", in: folder)
            let other = try await Program.run(["wallet", "verify-backup", "a.key", "--words-file", "other"], in: folder)
            #expect(other.status == 1 && other.complaints.contains("[bad_backup]") && other.complaints.contains(address))
            let none = try await Program.run(["wallet", "verify-backup", "a.key"], in: folder)
            #expect(none.status == 1 && none.complaints.contains("--words-file"))
        }
    }

    /// A person at a terminal: the words on a page of their own, a few asked back, nothing typed is echoed.
    @Test func exportShowsTheWordsAndAsksSomeBack() async throws {
        try await Program.inFolder { folder in
            let address = try await prepare(folder)
            let terminal = try Pseudoterminal()
            var asked: [Int] = []
            var pages = 0
            let export = ["wallet", "export", "a.key", "--passphrase-file", "pass"]
            let outcome = try await Program.converse(export, in: folder, terminal: terminal, onScreen: true) { question in
                if question.hasPrefix("Press Enter") {
                    pages += 1
                    return "\n"
                }
                let number = try #require(question.firstMatch(of: /Word (\d+): $/).flatMap { Int($0.1) })
                asked.append(number)
                // On the first page the first word is mistyped, and the last one is another.
                if asked.count == 1 { return "pandaa\n" }
                if pages == 1, asked.count == 5 { return "zoo\n" }
                return String(Self.list[number - 1].prefix(4)) + "\n"
            }
            #expect(outcome.status == 0, "\(outcome.complaints)")
            #expect(pages == 2 && asked.count == 9 && asked[0] == asked[1], "\(asked)")
            #expect(Set(asked[1...4]).count == 4 && asked.allSatisfy((1...24).contains))
            #expect(outcome.complaints.contains("Those words would not restore") && outcome.complaints.contains("restore \(address)."))
            // What was shown: all words with their numbers, on the other screen; what was typed: nowhere.
            let screen = terminal.echoed()
            #expect(screen.contains("\u{1B}[?1049h") && screen.contains("\u{1B}[?1049l"))
            #expect(screen.contains(" 1 panda      7 muffin    13 alcohol   19 hobby"))
            #expect(!screen.contains("pandaa") && !screen.contains("zoo"))
            #expect(!outcome.complaints.contains("pandaa") && terminal.echoes)

            // No check where it is not wanted.
            let unchecked = try await Program.converse(export + ["--no-check"], in: folder, terminal: terminal, onScreen: true) { _ in "\n" }
            #expect(unchecked.status == 0 && !unchecked.complaints.contains("Word "))
            let canceled = try await Program.converse(export, in: folder, terminal: terminal, onScreen: true) { $0.hasPrefix("Press") ? "\n" : "\u{3}" }
            #expect(canceled.status == 1 && canceled.complaints.contains("[canceled]") && terminal.echoes)
        }
    }

    @Test func importAndVerifyTakeWordsFromTheTerminal() async throws {
        try await Program.inFolder { folder in
            let address = try await prepare(folder)
            let terminal = try Pseudoterminal()
            var lines = ["PANDA  eyeb bullet", "gorila call", Self.list[3...10].joined(separator: " "), Self.list[11...].joined(separator: "\t")]
            let verify = ["wallet", "verify-backup", "a.key"]
            let outcome = try await Program.converse(verify, in: folder, terminal: terminal) { _ in lines.removeFirst() + "\n" }
            #expect(outcome.status == 0 && outcome.output.contains(address), "\(outcome.complaints)")
            #expect(outcome.complaints.contains("word 4 is not in the list; the nearest is \"gorilla\". Again, please, from word 4 on."))
            #expect(lines.isEmpty)
            var answers = [Self.words, KeyTests.passphrase, KeyTests.passphrase]
            let made = try await Program.converse(["wallet", "import", "c.key"], in: folder, terminal: terminal) { _ in answers.removeFirst() + "\n" }
            #expect(made.status == 0 && made.output.hasPrefix(address), "\(made.complaints)")
            #expect(terminal.echoes && !terminal.echoed().contains("gorilla"))
            let paste = try await Program.converse(verify, in: folder, terminal: terminal) { _ in Self.list.joined(separator: "\n") + "\n" }
            #expect(paste.status == 0, "\(paste.complaints)")
        }
    }
}
