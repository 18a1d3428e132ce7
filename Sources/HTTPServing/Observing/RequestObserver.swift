import CoreMetrics
import HTTPTypes
import Hummingbird
import Logging
import Wire

/// Counts and times requests, and logs each at debug level.
///
/// Labels are the route's template, never the path, and the method and status from closed lists, so that no caller
/// can make the registry grow.
struct RequestObserver: RouterMiddleware {
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    let registry: PrometheusRegistry

    init(registry: PrometheusRegistry) {
        self.registry = registry
        registry.describe("adit_http_requests_total", "Answers, by route, method and status.")
        registry.describe("adit_http_request_duration_seconds", "Time to an answer's head, by route.")
    }

    func handle(
        _ request: Request, context: ServingContext, next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let answer = try await next(request, context)
        let elapsed = ContinuousClock.now - start
        let route = answer.status == .notFound && context.endpointPath == "NotFound" ? "unknown" : context.endpointPath ?? "unknown"
        let method = Self.methods.contains(request.method.rawValue) ? request.method.rawValue : "other"
        Counter(
            label: "adit_http_requests_total", dimensions: [("route", route), ("method", method), ("status", String(answer.status.code))],
            factory: registry
        ).increment()
        CoreMetrics.Timer(label: "adit_http_request_duration", dimensions: [("route", route)], factory: registry)
            .recordNanoseconds(elapsed.nanoseconds)
        context.logger.debug(
            "request",
            metadata: [
                "method": "\(method)", "route": "\(route)", "status": .stringConvertible(answer.status.code),
                "latency_ms": .stringConvertible(elapsed.milliseconds),
            ])
        return answer
    }
}
