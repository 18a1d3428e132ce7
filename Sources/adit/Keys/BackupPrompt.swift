import Foundation
import Signing
import Wire

/// The words of a backup, asked for and shown on the terminal.
enum BackupPrompt {
    /// Tries for one word, and for the whole check.
    private static let tries = 3
    /// How many words are asked back: 44 bits, which nobody types by luck, and little enough to be done.
    private static let asked = 4

    /// All 24, from a file of mode 0600 or the terminal. Throws `bad_backup`, `canceled`, `io_failed`.
    static func read(file: String?) throws(Problem) -> BackupWords {
        if let file {
            let text = try SecretFile.read(file, capacity: BackupWords.maxBytes + 1, code: .badBackup, what: "the backup")
            guard text.count <= BackupWords.maxBytes else {
                throw Problem(.badBackup, "\(file) is longer than \(BackupWords.wholeCount) words can be")
            }
            return try BackupWords().adding(text)
        }
        guard SilentTerminal.isPossible else {
            throw Problem(.badBackup, "there is no terminal to type the words on; give --words-file FILE (mode 0600)")
        }
        Terminal.complain("Type the \(BackupWords.wholeCount) words, one or more to a line; their first four letters are enough. Nothing is shown.")
        return try SilentTerminal.session { (terminal) throws(Problem) in
            var words = BackupWords()
            var failures = 0
            while words.count < BackupWords.wholeCount {
                do throws(Problem) {
                    words = try words.adding(line(terminal, "Word \(words.count + 1): "))
                } catch {
                    failures += 1
                    guard error.code == .badBackup, failures < tries * BackupWords.wholeCount else { throw error }
                    // The line doesn't count: its words are typed again from the first one on.
                    terminal.forget()
                    Terminal.complain("\(error.detail). Again, please, from word \(words.count + 1) on.")
                }
            }
            return words
        }
    }

    /// Shows the words on a page of their own, which is gone when Enter is pressed, and then has a few of them typed.
    ///
    /// The check restores: the key of the words with those that were typed in their places has to be `key`.
    /// - Throws: `bad_backup` after three wrong tries, `canceled`, `io_failed`.
    static func show(_ key: PrivateKey, check: Bool) throws(Problem) {
        let words = try BackupWords(key)
        try SilentTerminal.session { (terminal) throws(Problem) in
            for _ in 0..<tries {
                try page(words, key, terminal)
                guard check else { return }
                if try restores(words, key, terminal) {
                    return Terminal.complain("The words that you wrote down restore \(key.address).")
                }
                Terminal.complain("Those words would not restore \(key.address). Look at them once more.")
            }
            throw Problem(.badBackup, "what was typed does not restore \(key.address): this backup was not checked; run the command again")
        }
    }

    private static func page(_ words: BackupWords, _ key: PrivateKey, _ terminal: SilentTerminal) throws(Problem) {
        let sheet = try words.sheet()
        // The terminal's other screen: what stands there goes into no scrollback.
        Terminal.show("\u{1B}[?1049h\u{1B}[2J\u{1B}[H")
        defer { Terminal.show("\u{1B}[2J\u{1B}[?1049l") }
        Terminal.say("Backup of \(key.address)\n")
        try sheet.write(to: 1)
        Terminal.say(
            """

            Write down all 24, with their numbers, on paper. Whoever has them has the
            money; they need no passphrase and no file. Keep them off every computer.
            """)
        _ = try terminal.line(
            "\nPress Enter when they are written down; they disappear then. ", maxBytes: 16, tooLong: Problem(.canceled, "Enter was expected"))
    }

    private static func restores(_ words: BackupWords, _ key: PrivateKey, _ terminal: SilentTerminal) throws(Problem) -> Bool {
        let positions = Array((0..<BackupWords.wholeCount).shuffled().prefix(asked)).sorted()
        var typed = BackupWords()
        for position in positions { typed = try word(position, typed, terminal) }
        let restored = try? words.replacing(positions, with: typed).key()
        return restored?.publicKey == key.publicKey
    }

    /// The words so far and one more, which may be mistyped twice.
    private static func word(_ position: Int, _ typed: BackupWords, _ terminal: SilentTerminal) throws(Problem) -> BackupWords {
        var last = Problem(.badBackup, "no word was typed")
        for _ in 0..<tries {
            let line = try line(terminal, "Word \(position + 1): ")
            do throws(Problem) {
                let one = try BackupWords().adding(line)
                if one.count == 1 { return try typed.adding(line) }
                last = Problem(.badBackup, "one word was asked for")
            } catch {
                last = error
            }
            // "word 1" of the line is the one that was asked for.
            Terminal.complain(last.detail.replacing("word 1 ", with: "that word ") + ".")
        }
        throw last
    }

    private static func line(_ terminal: SilentTerminal, _ question: String) throws(Problem) -> SecretBytes {
        try terminal.line(question, maxBytes: BackupWords.maxBytes, tooLong: Problem(.badBackup, "that line is too long for words of a backup"))
    }
}
