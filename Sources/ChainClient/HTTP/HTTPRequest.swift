import Wire

/// A request's method; these are all that Adit's services speak.
package enum HTTPMethod: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE", head = "HEAD" }

/// One request, complete but for what the transport adds (`Host`, `Content-Length`).
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    package var base: BaseURL
    /// Begins with `/`; percent-encoded where it has to be.
    package var path: String
    /// Empty, or begins with `?`.
    package var query: String
    package var headers: [(name: String, value: String)]
    package var body: (any UploadSource)?
    package var limits: HTTPLimits

    package init(
        _ method: HTTPMethod, _ base: BaseURL, path: String, query: String = "", headers: [(name: String, value: String)] = [],
        body: (any UploadSource)? = nil, limits: HTTPLimits = .standard
    ) {
        (self.method, self.base, self.path, self.query) = (method, base, path, query)
        (self.headers, self.body, self.limits) = (headers, body, limits)
    }

    package var url: String { base.description + path + query }

    /// Whether it may move a tensor's bytes: of unknown time and watched by its speed, or with a body that is no message.
    var isLong: Bool { limits.total == nil && limits.stall != nil || (body?.byteCount ?? 0) > 256 << 10 }

    /// Refuses what could split a request line or a header.
    func validate() throws(Problem) {
        func plain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 32 && $0 < 127 } }
        guard path.hasPrefix("/"), plain(path), query.isEmpty || query.hasPrefix("?"), plain(query), !path.contains("?"), !path.contains("#"),
            !query.contains("#")
        else { throw Problem(.badRequest, "bad path or query in a request") }
        for header in headers {
            guard !header.name.isEmpty, plain(header.name), !header.name.contains(":"), header.value.utf8.allSatisfy({ $0 >= 32 && $0 < 127 })
            else { throw Problem(.badRequest, "bad header in a request") }
        }
    }
}

/// Bounds of one exchange. A transfer that passes one of them is ended, whatever the server does.
package struct HTTPLimits: Sendable {
    /// From the start until the connection stands.
    package var connect: Duration
    /// From the start until the last byte; nil for bodies of unknown length, which `stall` bounds.
    package var total: Duration?
    /// Ends a transfer that moved less than `stallBytesPerSecond` for this long; nil for long polls.
    package var stall: Duration?
    package var stallBytesPerSecond: Int
    /// Greatest size of the answer's body, counted while it arrives.
    package var answerBytes: Int

    package init(
        connect: Duration = .seconds(5), total: Duration? = .seconds(30), stall: Duration? = .seconds(20), stallBytesPerSecond: Int = 1_024,
        answerBytes: Int = 1 << 20
    ) {
        (self.connect, self.total, self.stall) = (connect, total, stall)
        (self.stallBytesPerSecond, self.answerBytes) = (stallBytesPerSecond, answerBytes)
    }

    /// Small JSON in and out: 30 s, 1 MiB.
    package static let standard = HTTPLimits()
    /// Tensor bytes: as long as they keep moving; `answerBytes` is set by the caller to what it expects.
    package static func bulk(answerBytes: Int) -> HTTPLimits { HTTPLimits(total: nil, answerBytes: answerBytes) }
    /// A long poll that the server holds for `wait`.
    package static func poll(_ wait: Duration) -> HTTPLimits { HTTPLimits(total: wait + .seconds(15), stall: nil, answerBytes: 16 << 20) }
}
