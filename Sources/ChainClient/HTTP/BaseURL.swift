package import Wire

/// Where a service is: `http` or `https`, a host, a port and no path, query, fragment or user name.
///
/// Checked once, so that what is signed as `@authority` and what goes out as `Host` can't differ.
package struct BaseURL: Hashable, Sendable, CustomStringConvertible {
    package let isSecure: Bool
    /// Host name in lower case, IPv4 address, or IPv6 address in brackets.
    package let host: String
    package let port: Int

    /// Reads `http://host[:port]`, with at most one slash at the end.
    ///
    /// - Throws: `bad_request` with the reason.
    package init(_ text: String) throws(Problem) {
        func refuse(_ reason: String) -> Problem { Problem(.badRequest, "not a service's URL: \(reason)") }
        guard text.utf8.count <= 512 else { throw refuse("over 512 bytes") }
        let rest: Substring
        if text.hasPrefix("http://") {
            isSecure = false
            rest = text.dropFirst(7)
        } else if text.hasPrefix("https://") {
            isSecure = true
            rest = text.dropFirst(8)
        } else {
            throw refuse("it has to begin with http:// or https://")
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        let nameEnd: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { throw refuse("an IPv6 address without its closing bracket") }
            nameEnd = authority.index(after: bracket)
        } else {
            nameEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let name = authority[..<nameEnd]
        let tail = authority[nameEnd...]
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isHostByte) else { throw refuse("bad host") }
        if tail.isEmpty {
            port = isSecure ? 443 : 80
        } else {
            let digits = tail.dropFirst()
            guard tail.first == ":", digits.utf8.count <= 5, digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits),
                (1...65_535).contains(number)
            else { throw refuse("bad port") }
            port = number
        }
        host = name.lowercased()
    }

    /// Host, and the port where it isn't the scheme's own: the `Host` header and the signed `@authority`.
    package var authority: String { port == (isSecure ? 443 : 80) ? host : "\(host):\(port)" }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// True for `localhost`, 127.0.0.0/8 and `::1`, where TLS isn't asked for (PROTOCOL section 10).
    package var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == 46 || (48...57).contains($0) })
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
        default: false
        }
    }
}
