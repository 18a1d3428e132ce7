package import Wire

/// Where a service listens: a host name or address and a port, 0 for any free one.
package struct Bind: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    package let port: Int

    /// - Parameter text: `127.0.0.1:8080`, `localhost:0` or `[::1]:8080`.
    /// - Throws: `bad_request` when there is no host, or no port in 0…65535.
    package init(_ text: String) throws(Problem) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            throw Problem(.badRequest, "\(text) is not HOST:PORT")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { host = "" }
        guard !host.isEmpty else { throw Problem(.badRequest, "\(text) is not HOST:PORT") }
        self.host = String(host)
        self.port = port
    }

    /// A free port on 127.0.0.1.
    package static let anyLoopbackPort = Bind(host: "127.0.0.1", port: 0)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        // Only an address may begin so: 127.example.org is a name of somebody else's.
        let isAddress = host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return host == "localhost" || host == "::1" || (host.hasPrefix("127.") && isAddress)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
