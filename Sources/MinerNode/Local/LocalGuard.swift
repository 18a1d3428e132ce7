import Foundation
import Glibc
import HTTPServing
import Hummingbird
import Signing
import Wire

/// Who may control the miner: whoever can read the token's file, and no web page of somebody else's.
///
/// The token is made at the first start, kept, and readable by its owner alone. Browsers send no such header by themselves, so a strange page can't
/// press a button; the origin and the host are looked at besides, so that it can't read either, under a name of its own that points here.
struct LocalGuard: Sendable {
    private let token: BearerToken
    private let bind: Bind?

    /// - Throws: `io_failed` if there is no token and none can be kept.
    init(folder: String, bind: Bind?) throws(Problem) {
        token = try BearerToken(try Self.token(at: "\(folder)/token"))
        self.bind = bind
    }

    /// The text in the file, or of a new one where there is none. One that others can read is no secret any more, and is made anew.
    private static func token(at path: String) throws(Problem) -> String {
        var info = stat()
        if unsafe lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_mode & 0o077 == 0, info.st_size <= 1024,
            let data = FileManager.default.contents(atPath: path)
        {
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if (32...256).contains(text.utf8.count) { return text }
        }
        let fresh = SecureRandom.hex(bytes: 32)
        try PrivateFile.write(Array((fresh + "\n").utf8), to: path)
        return fresh
    }

    /// Refuses what comes under a strange name or from a strange page: `forbidden`.
    func checkOrigin(_ request: Request) throws(Problem) {
        guard let host = request.head.authority ?? request.header("host"), isOurs(host) else {
            throw Problem(.forbidden, "the Host is none of this miner's: ask it at its address or at localhost")
        }
        if let origin = request.header("origin"), origin != "http://\(host)", origin != "https://\(host)" {
            throw Problem(.forbidden, "a page of another origin may not ask")
        }
        if let site = request.header("sec-fetch-site"), site != "same-origin", site != "none" {
            throw Problem(.forbidden, "a page of another site may not ask")
        }
    }

    /// Refuses what doesn't show the token, too: `unauthorized`.
    func checkControl(_ request: Request) throws(Problem) {
        try checkOrigin(request)
        try token.check(request)
    }

    /// An address, which nobody else's name is, `localhost`, or the name that the miner listens under. One that listens to a whole network can't know
    /// all of its names.
    private func isOurs(_ authority: String) -> Bool {
        if let bind, !bind.isLoopback { return true }
        guard let host = Self.host(authority) else { return false }
        if host == "localhost" || host == bind?.host.lowercased() { return true }
        var (four, six) = (in_addr(), in6_addr())
        let isFour = unsafe inet_pton(AF_INET, host, &four) == 1
        let isSix = unsafe inet_pton(AF_INET6, host, &six) == 1
        return isFour || isSix
    }

    /// The host of `host`, `host:port` or `[address]:port`, in lower case.
    private static func host(_ authority: String) -> String? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            return authority[authority.index(after: authority.startIndex)..<end].lowercased()
        }
        return authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map { $0.lowercased() }
    }
}
