package import Wire

/// Status and headers of an answer.
package struct HTTPHead: Sendable {
    package let status: Int
    /// In the order of arrival, names in lower case.
    package let headers: [(name: String, value: String)]

    package subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// `Content-Length`, where it is there and a number.
    package var contentLength: Int? { self["content-length"].flatMap { Int($0) } }

    package var isSuccess: Bool { (200...299).contains(status) }
}

/// A whole answer; the body is empty where a sink took it.
package struct HTTPResponse: Sendable {
    package let head: HTTPHead
    package let body: [UInt8]

    package var status: Int { head.status }

    /// The body as strict JSON; fractions and signs are allowed, as unsigned answers may hold them.
    ///
    /// - Throws: the answer's own problem for a status outside 2xx, `bad_answer` for what isn't JSON.
    package func json() throws(Problem) -> JSON {
        try checked()
        do {
            return try JSON.parse(body, reals: true)
        } catch {
            throw Problem(.badAnswer, "the answer isn't valid JSON: \(error.detail)")
        }
    }

    /// Throws the problem that a status outside 2xx stands for.
    @discardableResult package func checked() throws(Problem) -> HTTPResponse {
        guard head.isSuccess else { throw problem }
        return self
    }

    /// The problem in the body (RFC 9457), or the one that the status alone stands for.
    package var problem: Problem {
        if case .object(let members)? = try? JSON.parse(body, reals: true), case .string(let text)? = members["code"], let code = Problem.Code(rawValue: text) {
            guard case .string(let detail)? = members["detail"] else { return Problem(code, "HTTP \(status)") }
            return Problem(code, detail.utf8.count <= 2_048 ? detail : "HTTP \(status)")
        }
        let code: Problem.Code =
            switch status {
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound
            case 405: .methodNotAllowed
            case 413: .payloadTooLarge
            case 429: .rateLimited
            case 500: .internalError
            case 502, 503, 504: .unavailable
            case 400...499: .badRequest
            default: .badAnswer
            }
        return Problem(code, "HTTP \(status)")
    }
}

extension Problem {
    /// True where the same request may well succeed later: the network, or a service that is busy or starting.
    package var isTransient: Bool {
        switch code {
        case .transportFailed, .timeout, .unavailable, .syncing, .rateLimited, .internalError, .notReady, .mempoolFull: true
        default: false
        }
    }
}
