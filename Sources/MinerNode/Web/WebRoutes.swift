import HTTPServing
import HTTPTypes
import Hummingbird
import Jobs
import Wire

/// The local page: `GET /` with its style, script and icon, all from this program, and `GET /view`, what it shows.
enum WebRoutes {
    /// Nothing from elsewhere, no inline code, no frame around it, no form that goes anywhere.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// - Parameters:
    ///   - door: refuses strangers' pages, which could read this one under a name of theirs that points here.
    ///   - services: for remedies that can be pasted.
    ///   - view: what there is to see now.
    ///   - tokenHint: the command that shows the token of the control routes.
    static func add(
        to routes: Routes, door: LocalGuard, tokenHint: String, _ services: ServiceAddresses,
        view: @escaping @Sendable () async throws(Problem) -> MinerView
    ) {
        let files = [
            ("/", WebDocument.html, "text/html; charset=utf-8"), ("/page.css", WebStyle.css, "text/css; charset=utf-8"),
            ("/page.js", WebCharts.script + WebScript.script, "text/javascript; charset=utf-8"), ("/page.svg", WebDocument.icon, "image/svg+xml"),
        ]
        for (path, text, type) in files {
            routes.get(path) { request, _ in
                try door.checkOrigin(request)
                return guarded(.text(text, type: type))
            }
        }
        // What comes with every job is seen in its receipt; a list of it would run by too fast to be read.
        let names = JSON.array(MinerEvent.Name.allCases.filter { !HistoryKeeper.often.contains($0) }.map { .string($0.rawValue) })
        let reasons = JSON.array(WorkReason.allCases.map { $0.json(services) })
        routes.get("/reasons") { request, _ in
            try door.checkOrigin(request)
            return guarded(.json(["reasons": reasons]))
        }
        routes.get("/view") { request, _ in
            try door.checkOrigin(request)
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
