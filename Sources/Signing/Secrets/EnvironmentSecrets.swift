private import CSodium
private import Glibc

/// Secrets that somebody put into the environment, where this program never looks for one: other programs that it starts would inherit
/// them, and crash reports and support files love to list the environment.
package enum EnvironmentSecrets {
    /// Overwrites and removes every variable whose name says that it holds a secret. To be called before there is a second thread.
    ///
    /// Name and value are overwritten where the kernel put them, so that `/proc/PID/environ` doesn't show them either.
    /// - Returns: the names, in order.
    package static func remove() -> [String] {
        guard var entry = unsafe adit_environment() else { return [] }
        var names: Set<String> = []
        var texts = unsafe [UnsafeMutablePointer<CChar>]()
        while let text = unsafe entry.pointee {
            unsafe entry += 1
            guard let equals = unsafe strchr(text, CInt(UInt8(ascii: "="))) else { continue }
            let name = unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: equals - text), as: UTF8.self)
            guard isSecret(name) else { continue }
            names.insert(name)
            unsafe texts.append(text)
        }
        for name in names { unsafe unsetenv(name) }
        for index in unsafe texts.indices { unsafe sodium_memzero(texts[index], strlen(texts[index])) }
        return names.sorted()
    }

    /// Whether a variable of this name holds a secret itself; a file's or a folder's path is none.
    package static func isSecret(_ name: String) -> Bool {
        let name = name.uppercased()
        guard !pathEndings.contains(where: name.hasSuffix) else { return false }
        return secretWords.contains { name.contains($0) }
    }

    private static let secretWords = ["PASSPHRASE", "PASSWORD", "PASSWD", "SECRET", "TOKEN", "MNEMONIC", "SEED", "BACKUP_WORDS", "PRIVATE_KEY", "API_KEY"]
    private static let pathEndings = ["_FILE", "_PATH", "_DIR", "_DIRECTORY"]
}
