import Wire

/// A service's base URL and the client that speaks to it: what the typed APIs are made from.
struct ServiceAPI: Sendable {
    let http: HTTPClient
    let base: BaseURL

    /// Sends JSON (or nothing) and reads JSON; a status outside 2xx is thrown as its problem.
    func json(
        _ method: HTTPMethod, _ path: String, query: String = "", _ body: JSON? = nil, limits: HTTPLimits = .standard,
        headers: [(name: String, value: String)] = []
    )
        async throws(Problem) -> JSON
    {
        try await send(method, path, query: query, body?.canonicalBytes, limits: limits, headers: headers).json()
    }

    func send(
        _ method: HTTPMethod, _ path: String, query: String = "", _ body: [UInt8]? = nil, limits: HTTPLimits = .standard,
        headers: [(name: String, value: String)] = []
    ) async throws(Problem) -> HTTPResponse {
        var all = headers
        if body != nil { all.append(("Content-Type", "application/json")) }
        let request = HTTPRequest(method, base, path: path, query: query, headers: all, body: body.map { BytesSource($0) }, limits: limits)
        let response = try await http.send(request)
        // Not a record that is missing, which the service names, but the whole route.
        if response.status == 404, response.problem.code == .notFound, ["there is nothing at this path", "HTTP 404"].contains(response.problem.detail) {
            throw Problem(.notFound, "\(base) has nothing at \(path): is it another service's URL?")
        }
        return try response.checked()
    }
}

extension Problem {
    /// What a field that an answer lacks or garbles is to the caller: the service's fault, not the caller's input.
    static func reading<Value>(_ what: String, _ read: () throws(Problem) -> Value) throws(Problem) -> Value {
        do {
            return try read()
        } catch {
            throw Problem(.badAnswer, "\(what): \(error.code.rawValue), \(error.detail)")
        }
    }
}

extension JSONFields {
    /// A member that is absent or null.
    mutating func present(_ key: String) -> JSON? {
        guard let value = optional(key), value != .null else { return nil }
        return value
    }
}
