import ArgumentParser
import Foundation
import Logging
import Operations
import Signing
import Wire

/// Where passphrases come from: the option that every command with a key has.
struct KeyOptions: ParsableArguments {
    @Option(
        name: .customLong("passphrase-file"),
        help: "File of mode 0600 with the key files' passphrase (PASSPHRASE_FILE); asked on the terminal where none is given.")
    var passphraseFile: String?

    /// - Parameter warn: where a warning goes; standard error for people.
    func ring(_ settings: Settings, warn: @escaping (String) -> Void = { Terminal.complain("adit: warning: \($0)") }) -> KeyRing {
        KeyRing(file: settings.given(.passphraseFile, passphraseFile), warn: warn)
    }

    /// For a service, whose standard error holds log lines alone.
    func ring(_ settings: Settings, logger: Logger) -> KeyRing {
        ring(settings) { logger.warning("key_warning", metadata: ["note": "\($0)"]) }
    }
}

/// The one place where the program opens and makes key files.
///
/// A passphrase comes from the file that was named, else from the service manager's credentials, else from the terminal. Never from
/// a flag or the environment, where others can read it. It is asked for once, and tried on every file of the same command.
final class KeyRing {
    /// The name of the credential in `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential=adit-passphrase:…`).
    static let credential = "adit-passphrase"
    /// How often a person may try.
    private static let tries = 3

    private let file: String?
    private let warn: (String) -> Void
    private var remembered: Passphrase?

    init(file: String?, warn: @escaping (String) -> Void) {
        self.file = file
        self.warn = warn
    }

    /// The key of a file. Throws `passphrase_required`, `wrong_passphrase`, `bad_passphrase`, `bad_key_file`, `io_failed`.
    func load(_ path: String) throws(Problem) -> PrivateKey {
        if unsafe access(path, F_OK) != 0, errno == ENOENT {
            throw Problem(.ioFailed, "there is no key file \(path); adit node init makes those of a new chain, adit wallet new \(path) any other")
        }
        let key: PrivateKey
        switch try KeyFile.read(path, isPrivate: !Self.isCredential(path)) {
        case .plain(let plain):
            warn("\(path) is not encrypted: whoever reads it has the key. Encrypt it with: adit wallet change-passphrase \(path)")
            key = plain
        case .sealed(let sealed): key = try open(sealed, path)
        }
        if !SecretBytes.allLocked { warn("the system doesn't let this process lock its keys in memory (ulimit -l): they may be written to swap") }
        return key
    }

    /// The public half, for which no passphrase is needed.
    func publicKey(_ path: String) throws(Problem) -> PublicKey { try KeyFile.read(path).publicKey }

    /// The key at `path`, made first if there is none.
    func loadOrCreate(_ path: String) throws(Problem) -> PrivateKey {
        FileManager.default.fileExists(atPath: path) ? try load(path) : try create(path, plain: false)
    }

    /// Makes a key and its file. Throws `key_file_exists`, `passphrase_required`, `bad_passphrase`.
    /// - Parameter plain: without a passphrase: for devnets and tests.
    func create(_ path: String, plain: Bool) throws(Problem) -> PrivateKey {
        try checkFree(path)
        let key = try PrivateKey.generate()
        try create(path, key: key, plain: plain)
        return key
    }

    /// Makes the file of a key that there is already, likewise.
    func create(_ path: String, key: PrivateKey, plain: Bool) throws(Problem) {
        try checkFree(path)
        if plain {
            try KeyFile.create(at: path, key: key)
        } else {
            try KeyFile.create(at: path, key: key, passphrase: try newPassphrase(for: path))
        }
    }

    /// Throws `key_file_exists` where there is something already.
    func checkFree(_ path: String) throws(Problem) {
        guard !FileManager.default.fileExists(atPath: path) else { throw Problem(.keyFileExists, "\(path) exists; a key file is never overwritten") }
    }

    /// Puts a file's key under another passphrase; encrypts a plain one.
    /// - Parameter newFile: a file with the new passphrase; asked for twice on the terminal where nil.
    func changePassphrase(_ path: String, newFile: String?) throws(Problem) -> PrivateKey {
        let key: PrivateKey
        switch try KeyFile.read(path) {
        case .plain(let plain): key = plain
        case .sealed(let sealed): key = try open(sealed, path)
        }
        let passphrase = if let newFile { try Passphrase(file: newFile) } else { try askTwice(for: path, hint: "--new-passphrase-file FILE") }
        try KeyFile.change(at: path, key: key, passphrase: passphrase)
        return key
    }

    private func open(_ sealed: SealedKey, _ path: String) throws(Problem) -> PrivateKey {
        if let remembered, let key = try attempt(sealed, remembered) { return key }
        if let stored = try stored() {
            guard let key = try attempt(sealed, stored) else { throw wrong(path) }
            return key
        }
        try needTerminal("\(path) is encrypted")
        for _ in 0..<Self.tries {
            let passphrase = try PassphrasePrompt.ask("Passphrase of \(path): ")
            if let key = try attempt(sealed, passphrase) { return key }
            Terminal.complain("That doesn't open it.")
        }
        throw wrong(path)
    }

    /// Nil for a wrong passphrase; the right one is remembered.
    private func attempt(_ sealed: SealedKey, _ passphrase: Passphrase) throws(Problem) -> PrivateKey? {
        do throws(Problem) {
            let key = try sealed.open(passphrase)
            remembered = passphrase
            return key
        } catch {
            guard error.code == .wrongPassphrase else { throw error }
            return nil
        }
    }

    private func wrong(_ path: String) -> Problem {
        Problem(.wrongPassphrase, "\(path) can't be opened: the passphrase is wrong, or the file was changed")
    }

    private func newPassphrase(for path: String) throws(Problem) -> Passphrase {
        if let remembered { return remembered }
        let passphrase = if let stored = try stored() { stored } else { try askTwice(for: path, hint: "--passphrase-file FILE") }
        try passphrase.checkForNewFile()
        remembered = passphrase
        return passphrase
    }

    private func askTwice(for path: String, hint: String) throws(Problem) -> Passphrase {
        try needTerminal("a new passphrase for \(path) is needed", hint: hint)
        var last = Problem(.badPassphrase, "no passphrase was typed")
        for attempt in 1...Self.tries {
            do throws(Problem) {
                return try askTwice(path)
            } catch {
                guard error.code == .badPassphrase else { throw error }
                last = error
                if attempt < Self.tries { Terminal.complain("\(error.detail). Again, please.") }
            }
        }
        throw Problem(last.code, "\(last.detail); nothing was written")
    }

    private func askTwice(_ path: String) throws(Problem) -> Passphrase {
        let first = try PassphrasePrompt.ask("New passphrase for \(path), at least \(Passphrase.minBytes) characters: ")
        try first.checkForNewFile()
        guard try PassphrasePrompt.ask("The same again: ").matches(first) else { throw Problem(.badPassphrase, "the two passphrases differ") }
        return first
    }

    /// Where the service manager shows this service's secrets; nil where there is none.
    private static var credentials: String? {
        ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func isCredential(_ path: String) -> Bool {
        guard let credentials else { return false }
        return (path as NSString).deletingLastPathComponent == (credentials as NSString).standardizingPath
    }

    /// From the file that was named, or from the service manager.
    private func stored() throws(Problem) -> Passphrase? {
        if let file { return try Passphrase(file: file) }
        guard let folder = Self.credentials else { return nil }
        let path = folder + "/" + Self.credential
        return FileManager.default.fileExists(atPath: path) ? try Passphrase(file: path, isPrivate: false) : nil
    }

    private func needTerminal(_ why: String, hint: String = "--passphrase-file FILE") throws(Problem) {
        guard PassphrasePrompt.isPossible else {
            throw Problem(
                .passphraseRequired,
                "\(why), and there is no terminal to ask on; give \(hint) (mode 0600), or the credential \(Self.credential) of systemd (LoadCredential=)"
                    + InheritedSecrets.remark)
        }
    }
}
