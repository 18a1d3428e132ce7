import Foundation
package import Jobs
package import Ledger
package import Signing
package import Wire

/// A coordinator's HTTP API (PROTOCOL section 8), each request signed with the caller's key (section 10).
///
/// Every call throws the coordinator's own problem, or `transport_failed`, `timeout`, `canceled`, `bad_answer`. A call may be repeated: it is
/// signed anew with a fresh nonce.
package struct CoordinatorClient: Sendable {
    let http: HTTPClient
    let base: BaseURL
    package let key: PrivateKey
    private let now: @Sendable () -> Int64

    /// - Parameter now: Unix seconds, which signatures carry; the system's clock unless a test gives another.
    package init(_ base: BaseURL, key: PrivateKey, http: HTTPClient, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }) {
        (self.base, self.key, self.http, self.now) = (base, key, http, now)
    }

    package var url: String { base.description }

    // MARK: clients

    /// Asks for a quote. The same `idempotencyKey` gives the same task again.
    package func postTask(_ request: TaskRequest, idempotencyKey: String? = nil) async throws(Problem) -> TaskAnswer {
        let headers: [(name: String, value: String)] = idempotencyKey.map { [("Idempotency-Key", $0)] } ?? []
        let answer = try await json(.post, "/tasks", request.json, headers: headers)
        return try Problem.reading("tasks") { () throws(Problem) in try TaskAnswer(json: answer) }
    }

    package func task(_ id: JobID) async throws(Problem) -> TaskStatus {
        let answer = try await json(.get, "/tasks/\(id.text)")
        return try Problem.reading("task") { () throws(Problem) in try TaskStatus(json: answer) }
    }

    /// Throws `not_ready` until the job is done.
    package func taskResult(_ id: JobID) async throws(Problem) -> TaskResult {
        let answer = try await json(.get, "/tasks/\(id.text)/result")
        return try Problem.reading("task result") { () throws(Problem) in try TaskResult(json: answer) }
    }

    /// A page of the caller's tasks; `after` is the page's `next`.
    package func tasks(stage: TaskStage? = nil, after: String? = nil) async throws(Problem) -> TaskPage {
        let parts = [stage.map { "status=\($0.rawValue)" }, after.map { "after=\($0)" }].compactMap(\.self)
        let answer = try await json(.get, "/tasks", query: parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
        return try Problem.reading("task page") { () throws(Problem) in try TaskPage(json: answer) }
    }

    package func cancelTask(_ id: JobID) async throws(Problem) -> TaskStatus {
        let answer = try await json(.delete, "/tasks/\(id.text)")
        return try Problem.reading("task") { () throws(Problem) in try TaskStatus(json: answer) }
    }

    /// Hands the caller's event stream to `sink` until it ends; `after` is the id of the last event that the caller has seen.
    package func events(after: String? = nil, into sink: any DownloadSink) async throws(Problem) {
        var headers = signature(.get, "/events", "", .none)
        if let after { headers.append(("Last-Event-ID", after)) }
        let limits = HTTPLimits(total: nil, stall: nil, answerBytes: .max)
        _ = try await http.send(HTTPRequest(.get, base, path: "/events", headers: headers, limits: limits), sink: sink).checked()
    }

    /// Public: not signed.
    package func networkState() async throws(Problem) -> NetworkState {
        let answer = try await ServiceAPI(http: http, base: base).json(.get, "/network/state")
        return try Problem.reading("network state") { () throws(Problem) in try NetworkState(json: answer) }
    }

    /// Returns if the coordinator is up; public.
    package func health() async throws(Problem) { _ = try await ServiceAPI(http: http, base: base).send(.get, "/health") }

    // MARK: workers

    /// Registers the caller, or renews what it said before.
    ///
    /// - Returns: how it stands there; nil where the coordinator doesn't say.
    @discardableResult package func registerWorker(_ registration: WorkerRegistration) async throws(Problem) -> WorkerStanding? {
        try await register(registration).standing
    }

    /// The same with all that the coordinator says to it: nil members where it doesn't.
    package func register(_ registration: WorkerRegistration) async throws(Problem) -> (standing: WorkerStanding?, placement: TierPlacement?) {
        let answer = try await json(.post, "/workers", registration.json)
        return try Problem.reading("worker") { () throws(Problem) in
            let standing = try answer["standing"].map { (value) throws(Problem) in try WorkerStanding(json: value) }
            return (standing, try answer["placement"].map { (value) throws(Problem) in try TierPlacement(json: value) })
        }
    }

    /// What the coordinator knows of the caller: where it is placed, how it stands, why it would get nothing now.
    package func ownReport() async throws(Problem) -> WorkerReport {
        let answer = try await json(.get, "/workers/\(key.address.text)")
        return try Problem.reading("worker report") { () throws(Problem) in try WorkerReport(json: answer) }
    }

    /// Says the root of a challenge's product: it stops the clock.
    package func commit(_ root: Digest, to challenge: CapabilityChallenge) async throws(Problem) -> ChallengeReceipt {
        let answer = try await json(.post, "/challenges/\(challenge.nonce.text)/root", ChallengeRoot(root: root).json, limits: HTTPLimits(total: .seconds(10)))
        return try Problem.reading("challenge's receipt") { () throws(Problem) in try ChallengeReceipt(json: answer) }
    }

    /// Has the product checked, once its bytes are there under the root; comes back with where that places the caller.
    package func check(_ challenge: CapabilityChallenge) async throws(Problem) -> WorkerReport {
        let answer = try await json(.post, "/challenges/\(challenge.nonce.text)/check", limits: HTTPLimits(total: .seconds(300), stall: nil))
        return try Problem.reading("worker report") { () throws(Problem) in try WorkerReport(json: answer) }
    }

    /// Waits for work up to the request's time: leases, or why there are none.
    package func ask(_ request: LeaseRequest) async throws(Problem) -> LeaseAnswer {
        let answer = try await json(.post, "/leases", request.json, limits: .poll(.seconds(request.waitSeconds)))
        return try Problem.reading("leases") { () throws(Problem) in try LeaseAnswer(json: answer, worker: key.address) }
    }

    /// The leases alone; none where there was no work.
    package func lease(max: Int, waitSeconds: Int) async throws(Problem) -> [Lease] {
        try await ask(LeaseRequest(max: max, waitSeconds: waitSeconds)).leases
    }

    package func heartbeat(_ lease: String, fence: Int64, progress: Double?) async throws(Problem) -> HeartbeatAnswer {
        let limits = HTTPLimits(total: .seconds(10))
        let answer = try await json(.post, "/leases/\(lease)/heartbeat", Heartbeat(fence: fence, progress: progress).json, limits: limits)
        return try Problem.reading("heartbeat") { () throws(Problem) in try HeartbeatAnswer(json: answer) }
    }

    /// Gives a lease back.
    ///
    /// - Parameter patience: how long it may take; short, since whoever says it is often about to stop, and the lease ends by itself.
    package func fail(_ lease: String, _ failure: LeaseFailure, patience: Duration = .seconds(3)) async throws(Problem) {
        _ = try await send(.post, "/leases/\(lease)/fail", failure.json, limits: HTTPLimits(connect: patience, total: patience))
    }

    /// Hands in a result and waits for its verification: the coordinator's signature, or the reason against it.
    package func submitResult(_ lease: String, _ result: LeaseResult) async throws(Problem) -> LeaseResultAnswer {
        try await submit(lease, ResultSubmission(result)).result
    }

    /// The same with small outputs' bytes beside it, and the next leases in the answer where they are wanted.
    package func submit(_ lease: String, _ submission: ResultSubmission) async throws(Problem) -> ResultAnswer {
        let answer = try await json(.post, "/leases/\(lease)/result", submission.json, limits: HTTPLimits(total: .seconds(900), stall: nil))
        return try Problem.reading("lease result") { () throws(Problem) in try ResultAnswer(json: answer) }
    }

    /// Hands in several results at once; each has an outcome of its own, in their order.
    package func submit(_ batch: ResultBatch) async throws(Problem) -> ResultBatchAnswer {
        let answer = try await json(.post, "/results", batch.json, limits: HTTPLimits(total: .seconds(900), stall: nil))
        return try Problem.reading("results") { () throws(Problem) in try ResultBatchAnswer(json: answer, count: batch.items.count) }
    }

    /// The leases that the caller holds and has not committed to, as the coordinator has them.
    package func heldLeases() async throws(Problem) -> [Lease] {
        let answer = try await json(.get, "/leases")
        return try Problem.reading("leases") { () throws(Problem) in try LeaseAnswer(json: answer).leases }
    }

    /// No new leases for the caller.
    package func drain() async throws(Problem) { _ = try await send(.post, "/workers/\(key.address.text)/drain") }

    // MARK: signing

    func json(
        _ method: HTTPMethod, _ path: String, query: String = "", _ body: JSON? = nil, limits: HTTPLimits = .standard,
        headers: [(name: String, value: String)] = []
    ) async throws(Problem) -> JSON {
        try await send(method, path, query: query, body, limits: limits, headers: headers).json()
    }

    @discardableResult func send(
        _ method: HTTPMethod, _ path: String, query: String = "", _ body: JSON? = nil, limits: HTTPLimits = .standard,
        headers: [(name: String, value: String)] = []
    ) async throws(Problem) -> HTTPResponse {
        let bytes = body?.canonicalBytes
        var all = headers + signature(method, path, query, bytes.map { .bytes($0) } ?? .none)
        if bytes != nil { all.append(("Content-Type", "application/json")) }
        let request = HTTPRequest(method, base, path: path, query: query, headers: all, body: bytes.map { BytesSource($0) }, limits: limits)
        return try await http.send(request).checked()
    }

    func signature(_ method: HTTPMethod, _ path: String, _ query: String, _ body: BodyBinding) -> [(name: String, value: String)] {
        let request = SignedRequest(method: method.rawValue, authority: base.authority, path: path, query: String(query.dropFirst()))
        return HTTPSignature.headers(for: request, body: body, key: key, now: now(), nonce: SecureRandom.hex(bytes: 16))
    }
}
