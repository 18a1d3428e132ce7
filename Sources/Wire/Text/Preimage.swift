/// What is hashed and signed: UTF-8 fields joined by `|`, behind a tag for kind and version and the chain id (PROTOCOL section 1).
///
/// No field but the last can hold a `|`: they are numbers, hex, ids, addresses and names that were checked when they were decoded.
package struct Preimage: Sendable {
    package let text: String

    package init(_ tag: String, _ chain: ChainID, _ fields: [String]) {
        text = ([tag, chain.text] + fields).joined(separator: "|")
    }

    package var digest: Digest { SHA256.hash(utf8: text) }
}
