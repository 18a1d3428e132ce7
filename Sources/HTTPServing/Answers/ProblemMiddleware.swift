import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Wire

/// Turns whatever a handler throws into a problem document. Only a `Problem`'s own words reach the caller:
/// other errors are named in the log, under the request's id, and answered with a fixed sentence.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ServingContext, next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        var answer: Response
        do {
            answer = try await next(request, context)
        } catch {
            let problem = Self.problem(for: error)
            if problem.code.status >= 500, problem.code.status != 503 {
                context.logger.error("request_failed", metadata: ["code": "\(problem.code.rawValue)", "error": "\(error)"])
            }
            answer = .problem(problem, requestID: context.requestID)
            if problem.code.status == 429 { answer.headers[.retryAfter] = (error as? RateLimited)?.retryAfter ?? "1" }
            if let methods = (error as? HTTPError)?.headers[.allow] { answer.headers[.allow] = methods }
        }
        if let name = HTTPField.Name("x-request-id") { answer.headers[name] = context.requestID }
        return answer
    }

    /// The refusal that an error stands for; an unknown one is `internal_error`.
    static func problem(for error: any Error) -> Problem {
        switch error {
        case let problem as Problem where problem.code.status < 500 || problem.code.status == 503: problem
        case let problem as Problem: Problem(problem.code, "the service could not do this; its log has the reason under this request's id")
        case let limited as RateLimited: limited.problem
        case is CancellationError: Problem(.unavailable, "the service is stopping")
        case is NIOTooManyBytesError: Problem(.payloadTooLarge, "the body is too long")
        case let error as any HTTPResponseError: problem(for: error.status)
        default: Problem(.internalError, "the service could not do this; its log has the reason under this request's id")
        }
    }

    private static func problem(for status: HTTPResponse.Status) -> Problem {
        switch status.code {
        case 401: Problem(.unauthorized, "this needs authorization")
        case 403: Problem(.forbidden, "this is not allowed")
        case 404: Problem(.notFound, "there is nothing at this path")
        case 405: Problem(.methodNotAllowed, "this path does not take that method")
        case 408: Problem(.timeout, "the request took too long")
        case 413: Problem(.payloadTooLarge, "the body is too long")
        case 429: Problem(.rateLimited, "too many requests")
        case 503: Problem(.unavailable, "the service can't answer now")
        case 500...: Problem(.internalError, "the service could not do this; its log has the reason under this request's id")
        default: Problem(.badRequest, "the request could not be understood")
        }
    }
}
