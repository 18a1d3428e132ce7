/// Where measured choices are kept from one start to the next: one small document.
package protocol ChoiceStore: Sendable {
    /// What was saved last; nil if there is nothing.
    func load() -> [UInt8]?

    /// Replaces it, wholly or not at all. That it can't be kept costs some tenths of a second at the next start, and nothing else.
    func save(_ document: [UInt8])
}

/// Keeps nothing: every start measures anew.
package struct NoStore: ChoiceStore {
    package init() {}
    package func load() -> [UInt8]? { nil }
    package func save(_ document: [UInt8]) {}
}
