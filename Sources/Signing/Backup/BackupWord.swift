/// Whether something looks like a part of a key's backup in words: for whoever takes such things out of a text.
package enum BackupWord {
    /// A word of BIP-39's English list, or the beginning of one from four letters on; capitals count as small letters.
    package static func isOne(_ letters: some Collection<UInt8>) -> Bool { BackupWordList.index(of: letters) != nil }
}
