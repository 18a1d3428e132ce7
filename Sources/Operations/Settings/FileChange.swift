/// Says when a file that is looked at every so often has changed and come to rest.
///
/// An editor may empty a file and fill it in several writes, or move a new one into its place: a change counts once two looks in a row have
/// seen the same. Pure: whoever looks hands in what was seen.
package struct FileChange<Signature: Equatable & Sendable>: Sendable {
    private var taken: Signature
    private var seen: Signature

    /// - Parameter taken: what the file looked like when it was read.
    package init(_ taken: Signature) { (self.taken, seen) = (taken, taken) }

    /// Whether the file is to be read again now.
    package mutating func look(_ signature: Signature) -> Bool {
        defer { seen = signature }
        guard signature != taken, signature == seen else { return false }
        taken = signature
        return true
    }
}
