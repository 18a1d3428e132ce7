package import Hummingbird
package import Wire

/// A secret that a caller has to show as `Authorization: Bearer …`, compared in constant time.
package struct BearerToken: Sendable {
    private let digest: Digest

    /// - Parameter text: 16 to 256 bytes.
    /// - Throws: `out_of_range` for a token that is too short to be a secret, or too long.
    package init(_ text: String) throws(Problem) {
        guard (16...256).contains(text.utf8.count) else { throw Problem(.outOfRange, "a token has 16 to 256 bytes") }
        digest = SHA256.hash(utf8: text)
    }

    /// Refuses a request that doesn't show the token.
    ///
    /// Both sides are hashed first, so neither the length nor a common prefix can be told from the time it takes.
    /// - Throws: `unauthorized`.
    package func check(_ request: Request) throws(Problem) {
        let prefix = "Bearer "
        guard let header = request.headers[.authorization], header.hasPrefix(prefix), header.utf8.count <= 512 else {
            throw Problem(.unauthorized, "this needs a bearer token")
        }
        let shown = SHA256.hash(utf8: String(header.dropFirst(prefix.count)))
        var difference: UInt8 = 0
        for (a, b) in zip(shown.bytes, digest.bytes) { difference |= a ^ b }
        guard difference == 0 else { throw Problem(.unauthorized, "the bearer token is not right") }
    }
}
