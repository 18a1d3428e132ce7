import HTTPServing
import Hummingbird
import Signing
import Synchronization
import Wire

/// Who signed a request (PROTOCOL section 10), with the nonces that were seen and the keys that are known.
final class RequestAuthenticator: Sendable {
    private struct Memory {
        var keys: [Address: PublicKey] = [:]
        /// When each signer's nonce may be forgotten, in Unix seconds.
        var nonces: [String: Int64] = [:]
        var nextSweep: Int64 = 0
    }

    /// Bounds of what is remembered: about 16 MiB of keys and 100 MiB of nonces at the most.
    private static let maxKeys = 65_536
    private static let maxNonces = 524_288

    private let clock: any ServiceClock
    /// Unix seconds.
    private let start: Int64
    private let authorities: Mutex<Set<String>>
    private let memory: Mutex<Memory>
    private let store: any JobStore

    /// - Parameters:
    ///   - start: the first second whose requests are taken; an earlier one could be a repetition.
    ///   - authorities: names with port that requests may be signed for; empty for any.
    ///   - store: has the keys of those who have been here, and the few nonces that must outlive a restart.
    /// - Throws: `io_failed`.
    init(clock: any ServiceClock, start: Int64, authorities: Set<String>, store: any JobStore) throws(Problem) {
        self.clock = clock
        self.start = start
        self.store = store
        self.authorities = Mutex(Set(authorities.map { $0.lowercased() }))
        let keys = try store.knownKeys()
        memory = Mutex(Memory(keys: Dictionary(keys.map { ($0.address, $0) }) { first, _ in first }, nonces: try store.nonces(after: start)))
    }

    /// Adds names, known only once the port is bound.
    func allow(_ names: Set<String>) { authorities.withLock { $0.formUnion(names) } }

    /// Checks a request's one signature and uses up its nonce.
    ///
    /// - Throws: `unauthorized`, `bad_signature`, `bad_digest`, `request_expired`, `replayed_nonce`; `rate_limited` when too many
    ///   nonces are remembered.
    func verify(_ request: Request, body: BodyBinding) throws(Problem) -> VerifiedRequest {
        guard let authority = request.head.authority?.lowercased() else { throw Problem(.unauthorized, "the request names no host") }
        guard authorities.withLock({ $0.isEmpty || $0.contains(authority) }) else {
            throw Problem(.unauthorized, "the request is signed for another server")
        }
        let signed = SignedRequest(
            method: request.method.rawValue, authority: authority, path: request.uri.path, query: request.uri.query ?? "")
        let now = clock.nowMilliseconds / 1000
        let verified = try HTTPSignature.verify(
            signed, body: body, header: { name in Self.header(request, name) }, serverStart: start, now: now,
            knownKey: { address in memory.withLock { $0.keys[address] } })
        try remember(verified, now: now)
        return verified
    }

    /// Several headers of one name count as one list, so that a second signature can't hide behind the first.
    private static func header(_ request: Request, _ name: String) -> String? {
        let values = request.headers.filter { $0.name.canonicalName == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    private func remember(_ request: VerifiedRequest, now: Int64) throws(Problem) {
        let refusal: Problem? = memory.withLock { memory in
            if memory.nextSweep <= now {
                memory.nonces = memory.nonces.filter { $0.value >= now }
                memory.nextSweep = now + 10
            }
            let name = Self.name(request)
            if memory.nonces[name] != nil { return Problem(.replayedNonce, "this nonce was used before") }
            if memory.nonces.count >= Self.maxNonces { return Problem(.rateLimited, "too many requests") }
            memory.nonces[name] = request.expires
            if memory.keys[request.address] == nil, memory.keys.count < Self.maxKeys { memory.keys[request.address] = request.key }
            return nil
        }
        if let refusal { throw refusal }
        // A request from before this start is refused by its time alone; one from a clock that runs ahead of ours is not.
        if request.created > now { try store.saveNonce(Self.name(request), expires: request.expires) }
    }

    private static func name(_ request: VerifiedRequest) -> String { "\(request.address) \(request.nonce)" }
}
