import Hummingbird
import Synchronization
import Wire

/// Memory for all bodies that are read whole, in one process: however many callers send at once, it is not passed.
package final class BodyBudget: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    /// What every request counts against unless its listener has a budget of its own.
    package static let shared = BodyBudget(256 << 20)

    /// - Parameter limit: bytes.
    package init(_ limit: Int) { self.limit = limit }

    func take(_ count: Int) throws(Problem) {
        let isFree = taken.withLock { taken in
            guard count <= limit - taken else { return false }
            taken += count
            return true
        }
        guard isFree else { throw Problem(.unavailable, "too many bodies are being read at once; try again in a moment") }
    }

    func giveBack(_ count: Int) { taken.withLock { $0 -= count } }

    /// What is taken now.
    package var bytes: Int { taken.withLock { $0 } }
}

/// What one request has taken of the budget, until its handler has answered.
final class BodyAccount: Sendable {
    @TaskLocal static var current: BodyAccount?

    private let budget: BodyBudget
    private let held = Mutex(0)

    init(_ budget: BodyBudget) { self.budget = budget }

    func take(_ count: Int) throws(Problem) {
        try budget.take(count)
        held.withLock { $0 += count }
    }

    deinit {
        let count = held.withLock { $0 }
        if count > 0 { budget.giveBack(count) }
    }
}

/// Gives each request its account.
struct BodyBudgetMiddleware: RouterMiddleware {
    let budget: BodyBudget

    func handle(
        _ request: Request, context: ServingContext, next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        // Most requests have no body, and need no account.
        guard request.method != .get, request.method != .head else { return try await next(request, context) }
        return try await BodyAccount.$current.withValue(BodyAccount(budget)) { try await next(request, context) }
    }
}
