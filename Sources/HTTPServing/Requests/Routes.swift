import HTTPTypes
package import Hummingbird
import Wire

/// The routes of one service: method, path template, handler. A known path asked with another method answers 405.
///
/// Every request passes the same layers: metrics and a log line, problem documents, rate limits, a body's memory and pace, the handler.
package final class Routes {
    package typealias Handler = @Sendable (Request, ServingContext) async throws -> Response

    private let router: Router<ServingContext>
    private var methods: [String: Set<HTTPRequest.Method>] = [:]

    /// The metrics of requests and connections.
    let registry: PrometheusRegistry

    /// - Parameters:
    ///   - registry: takes the metrics of requests and connections.
    ///   - limiter: counts requests by caller; nil counts none.
    ///   - bodies: the memory that whole bodies are read into.
    package init(registry: PrometheusRegistry, limiter: RateLimiter? = RateLimiter(), bodies: BodyBudget = .shared) {
        self.registry = registry
        router = Router(context: ServingContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestObserver(registry: registry))
        router.add(middleware: ProblemMiddleware())
        if let limiter { router.add(middleware: RateLimitMiddleware(limiter: limiter)) }
        router.add(middleware: BodyBudgetMiddleware(budget: bodies))
        router.add(middleware: PacedBodyMiddleware())
    }

    package func get(_ path: String, _ handler: @escaping Handler) { on(.get, path, handler) }
    package func post(_ path: String, _ handler: @escaping Handler) { on(.post, path, handler) }
    package func put(_ path: String, _ handler: @escaping Handler) { on(.put, path, handler) }
    package func delete(_ path: String, _ handler: @escaping Handler) { on(.delete, path, handler) }

    private func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        methods[path, default: []].insert(method)
        router.on(RouterPath(path), method: method, use: handler)
    }

    /// Closes the list: adds the 405 answers and gives what the server asks for each request. To be called once.
    func responder() -> RouterResponder<ServingContext> {
        let all: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .patch, .options]
        for (path, known) in methods {
            let served = known.contains(.get) ? known.union([.head]) : known
            let allow = served.map(\.rawValue).sorted().joined(separator: ", ")
            for method in all where !served.contains(method) {
                router.on(RouterPath(path), method: method) { _, context -> Response in
                    var answer = Response.problem(Problem(.methodNotAllowed, "this path takes \(allow)"), requestID: context.requestID)
                    answer.headers[.allow] = allow
                    return answer
                }
            }
        }
        return router.buildResponder()
    }
}
