import HTTPServing
import HTTPTypes
import Hummingbird
import Wire

/// The local page: `GET /` with its style, script and icon, all from this program, and `GET /view`, what it shows.
enum WebRoutes {
    /// Nothing from elsewhere, no inline code, no frame around it, no form that goes anywhere.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// - Parameters:
    ///   - view: what there is to see now.
    ///   - tokenHint: the command that shows the token of the control routes.
    static func add(to routes: Routes, tokenHint: String, view: @escaping @Sendable () async throws(Problem) -> MinerView) {
        let files = [
            ("/", WebDocument.html, "text/html; charset=utf-8"), ("/page.css", WebStyle.css, "text/css; charset=utf-8"),
            ("/page.js", WebCharts.script + WebScript.script, "text/javascript; charset=utf-8"), ("/page.svg", WebDocument.icon, "image/svg+xml"),
        ]
        for (path, text, type) in files {
            routes.get(path) { request, _ in
                try LocalHost.check(request)
                return guarded(.text(text, type: type))
            }
        }
        let names = JSON.array(MinerEvent.Name.allCases.map { .string($0.rawValue) })
        routes.get("/view") { request, _ in
            try LocalHost.check(request)
            guard case .object(let members) = try await view().json else { throw Problem(.internalError, "the view is no object") }
            return guarded(.json(.object(members.setting("event_names", to: names).setting("token_hint", to: .string(tokenHint)))))
        }
    }

    static func guarded(_ answer: Response) -> Response {
        var answer = answer
        let fields = [
            ("content-security-policy", policy), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ]
        for (name, value) in fields { if let name = HTTPField.Name(name) { answer.headers[name] = value } }
        return answer
    }
}

/// A page of some other site can have its own name point to this machine (DNS rebinding) and would then be of "the same origin" as the local
/// API: it could read it. So the name that was asked for has to be an address, `localhost`, or a name under it.
enum LocalHost {
    /// Throws `forbidden` for any other name.
    static func check(_ request: Request) throws(Problem) {
        guard let authority = request.head.authority ?? request.header("host"), isLocal(authority) else {
            throw Problem(.forbidden, "ask for this page as http://127.0.0.1 or http://localhost; a proxy has to set Host to one of them")
        }
    }

    static func isLocal(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return authority.contains("]") }
        let name = authority.prefix { $0 != ":" }.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
