import Foundation
import Operations
import Signing
import Wire

/// The miner's key file, its passphrase, and where earnings go.
enum KeyChecks {
    static func findings(_ context: DoctorContext) -> [Finding] {
        let settings = context.settings
        let path = settings.text(.minerKey)
        var findings = passphrase(context)
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { return findings + [.well(.keys, "\(path) is not there yet: the miner makes it at its first start")] }
            return findings + [unreadable(path)]
        }
        if status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 {
            return findings + [
                .broken(
                    .keys, "\(path) can be read by others (mode \(mode(status)))", wanted: "mode 600",
                    why: "whoever reads a key file can try passphrases on it; the miner refuses such a file", remedy: "chmod 600 \(Shell.quoted(path))")
            ]
        }
        guard unsafe access(path, R_OK) == 0 else { return findings + [unreadable(path)] }
        let contents: KeyFile.Contents
        do throws(Problem) { contents = try KeyFile.read(path) } catch {
            return findings + [
                .broken(
                    .keys, error.detail, wanted: "a whole key file, as adit wallet new writes it",
                    why: "nothing can be signed without the key. Copy a backup to \(path) if there is one; without, a new key is made at the next start",
                    remedy: "mv \(Shell.quoted(path)) \(Shell.quoted(path + ".damaged"))")
            ]
        }
        findings += opened(contents, path, context, hasFault: findings.contains { $0.state == .broken })
        if settings.given(.minerPayout) == nil {
            findings.append(
                .note(
                    .keys, "earnings go to the key on this machine, \(contents.publicKey.address.text)", wanted: "MINER_PAYOUT with a cold key's address",
                    why: "who breaks into this machine has what it earned", remedy: "adit wallet new cold.key, elsewhere; then MINER_PAYOUT=ait1… in .env"))
        }
        return findings
    }

    private static func opened(_ contents: KeyFile.Contents, _ path: String, _ context: DoctorContext, hasFault: Bool) -> [Finding] {
        guard case .sealed(let sealed) = contents else {
            return [
                .note(
                    .keys, "\(path) is not encrypted", wanted: "a key file under a passphrase", why: "whoever reads the file, or a backup of it, has the key",
                    remedy: "adit wallet change-passphrase \(Shell.quoted(path))")
            ]
        }
        guard !hasFault else { return [] }
        guard let file = passphraseFile(context) else {
            return [
                .note(
                    .keys, "\(path) is encrypted and no passphrase file is named: a terminal is needed at each start",
                    wanted: "PASSPHRASE_FILE or systemd's credential adit-passphrase", why: "a service has nobody to ask",
                    remedy: "(umask 077; cat > passphrase) && \(context.set(.passphraseFile, to: "./passphrase"))")
            ]
        }
        do throws(Problem) {
            let key = try sealed.open(try Passphrase(file: file.path, isPrivate: file.isPrivate))
            return [.well(.keys, "\(path) opens with \(file.path): \(key.address.text)")]
        } catch {
            guard error.code == .wrongPassphrase else {
                return [
                    .broken(.keys, error.detail, wanted: "a key file that opens", why: "nothing can be signed without the key", remedy: "ulimit -v unlimited")
                ]
            }
            return [
                .broken(
                    .keys, "\(path) does not open with the passphrase in \(file.path)", wanted: "the passphrase that the key was made with",
                    why: "nothing can be signed without the key; a lost passphrase can't be recovered. The command takes it from the keyboard; end with Ctrl-D",
                    remedy: "(umask 077; cat > \(Shell.quoted(file.path)))")
            ]
        }
    }

    /// The file with the passphrase, as `KeyRing` chooses it.
    private static func passphraseFile(_ context: DoctorContext) -> (path: String, isPrivate: Bool)? {
        if let path = context.passphraseFile ?? context.settings.given(.passphraseFile) { return (path, true) }
        guard let folder = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"], !folder.isEmpty else { return nil }
        let path = "\(folder)/\(KeyRing.credential)"
        return FileManager.default.fileExists(atPath: path) ? (path, false) : nil
    }

    private static func passphrase(_ context: DoctorContext) -> [Finding] {
        guard let (path, isPrivate) = passphraseFile(context) else { return [] }
        var status = stat()
        let write = "(umask 077; cat > \(Shell.quoted(path)))"
        guard unsafe stat(path, &status) == 0 else {
            return [
                .broken(
                    .keys, "the passphrase file \(path) is not there", wanted: "a file of mode 600 with the passphrase of the key files",
                    why: "the miner can't open its key. The command takes the passphrase from the keyboard; end with Ctrl-D", remedy: write)
            ]
        }
        if isPrivate, status.st_mode & 0o077 != 0 {
            return [
                .broken(
                    .keys, "the passphrase file \(path) can be read by others (mode \(mode(status)))", wanted: "mode 600",
                    why: "whoever reads it and the key file has the key; the miner refuses such a file", remedy: "chmod 600 \(Shell.quoted(path))")
            ]
        }
        do throws(Problem) { _ = try Passphrase(file: path, isPrivate: isPrivate) } catch {
            return [
                .broken(
                    .keys, error.detail, wanted: "one line with the passphrase", why: "the miner can't open its key. The command takes it from the keyboard",
                    remedy: write)
            ]
        }
        return []
    }

    private static func unreadable(_ path: String) -> Finding {
        .broken(
            .keys, "\(path) can't be read: \(unsafe String(cString: strerror(errno)))", wanted: "a key file of the user who runs the miner",
            why: "nothing can be signed without the key", remedy: "sudo chown \"$(id -un)\" \(Shell.quoted(path))")
    }

    private static func mode(_ status: stat) -> String { String(status.st_mode & 0o777, radix: 8) }
}
