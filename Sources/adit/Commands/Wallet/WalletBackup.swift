import ArgumentParser
import Foundation
import Signing
import Wire

/// The 24 words of a key, out.
struct WalletExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Show a key's backup: 24 words to write on paper; a few are asked back.",
        discussion: """
            The words are the key itself: whoever has them has its money, without file or passphrase. They are shown on a terminal \
            alone, on a page that disappears. `adit wallet import` makes the key file again.
            """)

    @Argument(help: "A key file.") var file: String
    @Flag(name: .customLong("to-stdout"), help: "Write the words in one line to standard output, wherever that goes. Nothing is asked back.")
    var toStdout = false
    @Flag(name: .customLong("no-check"), help: "Ask none of the words back.") var noCheck = false
    @OptionGroup var keys: KeyOptions

    func run() async throws {
        guard toStdout || isatty(1) == 1 else {
            throw Problem(
                .forbidden, "the words go to a terminal alone, and standard output is none; add --to-stdout if you want them in a file or another program")
        }
        guard toStdout || SilentTerminal.isPossible else {
            throw Problem(.forbidden, "standard input is no terminal to answer on; add --to-stdout to have the words written without a check")
        }
        let key = try keys.ring(try Settings()).load(file)
        if toStdout { return try BackupWords(key).line().write(to: 1) }
        try BackupPrompt.show(key, check: !noCheck)
    }
}

/// The 24 words of a key, in.
struct WalletImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a key file from the 24 words of a backup; an existing file is never overwritten.",
        discussion: "The words are typed without being shown. The new file is encrypted under a passphrase, which may be another one than before.")

    @Argument(help: "The file to make.") var file: String
    @Option(name: .customLong("words-file"), help: "File of mode 0600 with the words; typed on the terminal where none is given.") var wordsFile: String?
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Without a passphrase: for devnets and tests.") var plain = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let ring = keys.ring(try Settings())
        // Before 24 words are typed for nothing.
        try ring.checkFree(file)
        let key = try BackupPrompt.read(file: wordsFile).key()
        try ring.create(file, key: key, plain: plain)
        if json { return Terminal.emit(["address": .string(key.address.text), "public_key": .string(key.publicKey.hex), "file": .string(file)]) }
        Terminal.say(key.address.text)
        Terminal.say("The key is in \(file)\(plain ? ", not encrypted" : "").")
        Terminal.say("Is the address the one that you expect? Any 24 words with a right checksum are some key.")
    }
}

/// Whether the paper still holds the key.
struct WalletVerifyBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-backup", abstract: "Type the 24 words of a backup and see whether they are a key file's.",
        discussion: "The key is restored from the words and compared with the file's public half: the passphrase is not needed, and nothing is written.")

    @Argument(help: "A key file.") var file: String
    @Option(name: .customLong("words-file"), help: "File of mode 0600 with the words; typed on the terminal where none is given.") var wordsFile: String?

    func run() async throws {
        let expected = try KeyFile.read(file).publicKey
        let restored = try BackupPrompt.read(file: wordsFile).key().publicKey
        guard restored == expected else {
            throw Problem(.badBackup, "the words are a good backup, but of \(restored.address); \(file) holds \(expected.address)")
        }
        Terminal.say("The words restore \(expected.address), which is in \(file).")
    }
}
