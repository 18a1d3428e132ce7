import Signing

/// Secrets that stood in the environment when the program started. They are gone from it: nothing here reads them, and no child gets them.
enum InheritedSecrets {
    /// The variables' names. Asked for first before there is a second thread.
    static let names = EnvironmentSecrets.remove()

    /// For whoever believed that a passphrase is taken from there.
    static var remark: String {
        guard let name = names.first(where: { $0.uppercased().contains("PASS") }) else { return "" }
        return "; \(name) in the environment is not read, since other programs see it there"
    }
}
