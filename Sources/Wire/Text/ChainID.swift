/// A chain's name, `[a-z0-9-]{1,32}`: part of everything that is signed, so that nothing holds on two chains.
package struct ChainID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(Problem) {
        let allowed = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        guard allowed, (1...32).contains(text.utf8.count) else {
            throw Problem(.wrongChain, "a chain id is 1 to 32 characters of a-z, 0-9 and -")
        }
        self.text = text
    }

    package var description: String { text }
}
