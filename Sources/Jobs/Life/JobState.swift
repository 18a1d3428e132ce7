package import Signing
package import Wire

/// The transaction that opened a job's escrow.
package struct JobPayment: Sendable, Equatable {
    package let tx: Digest
    /// The height of its block.
    package let height: Int64

    package init(tx: Digest, height: Int64) {
        self.tx = tx
        self.height = height
    }
}

/// A job's life: a value without I/O that answers every event with what is to be done.
///
/// quoted → queued → leased → verifying → completed. An expired or returned lease queues the job again after a rest, for as
/// long as there is time before its refund: it was paid for. A failed check excludes its worker and queues it for the others,
/// as often as `JobPolicy` allows. A paid job that ends without an accepted output is refunded. An event that does not fit
/// throws and changes nothing.
package struct JobState: Sendable, Equatable {
    package private(set) var phase: JobPhase = .quoted
    package private(set) var payment: JobPayment?
    /// The fencing number of the latest lease; 0 before the first.
    package private(set) var fence: Int64 = 0
    /// Workers whose output for this job failed its check, or who said they can't run it.
    package private(set) var excluded: [Address] = []
    package private(set) var failedChecks = 0
    /// Workers that said that the work has no answer.
    package private(set) var uncomputable = 0
    /// What the last of them said of it; its own words, for people.
    package private(set) var detail: String?
    /// Leases that expired or were given back.
    package private(set) var returns = 0
    /// No lease before this time, in Unix milliseconds.
    package private(set) var notBefore: Int64 = 0
    /// Who held the latest lease that ended without a result.
    package private(set) var lastHolder: Address?
    /// Until then others come before `lastHolder`, in Unix milliseconds.
    package private(set) var elsewhereUntil: Int64 = 0
    /// The height of the block with the claim of its receipt.
    package private(set) var claimHeight: Int64?

    package init() {}

    /// The number of leases so far.
    package var attempts: Int64 { fence }

    /// Whether `worker` may take the job at `now`, in Unix milliseconds.
    package func canLease(to worker: Address, now: Int64) -> Bool { phase == .queued && now >= notBefore && !excluded.contains(worker) }

    /// Whether `worker` should leave the job to others at `now`, if there are any: it had it, and did not finish.
    package func prefersOthers(to worker: Address, now: Int64) -> Bool { lastHolder == worker && now < elsewhereUntil }

    /// Whether a pause of the job's ended after `last` and by `now`: it may be offered to somebody it could not go to before.
    package func becomesFree(after last: Int64, by now: Int64) -> Bool {
        phase == .queued && (notBefore > last && notBefore <= now || elsewhereUntil > last && elsewhereUntil <= now)
    }

    /// Applies one event.
    ///
    /// - Parameter now: Unix milliseconds.
    /// - Throws: `not_ready`, `lease_taken`, `unknown_lease`, `stale_fence`, `lease_expired` or `canceled` when the event
    ///   does not fit; the state is unchanged then.
    package mutating func apply(_ event: JobEvent, now: Int64, policy: JobPolicy) throws(Problem) -> [JobDirective] {
        switch event {
        case .paid(let payment): return pay(payment)
        case .quoteExpired:
            guard phase == .quoted else { return [] }
            phase = .failed(.quoteExpired)
            return [.giveUp(.quoteExpired)]
        case .granted(let lease):
            try take(lease, now)
            return []
        case .heartbeat(let id, let fence, let until):
            let lease = try held(id, fence, now)
            phase = .leased(lease.extended(to: until))
            return []
        case .resumed(let until):
            if case .leased(let lease) = phase { phase = .leased(lease.extended(to: until)) }
            return []
        case .returned(let id, let fence, let reason):
            let lease = try held(id, fence, now)
            if reason == .unsupportedKernel { exclude(lease.worker) }
            return giveBack(lease, reason, now, policy)
        case .uncomputable(let id, let fence, let detail, let othersCould):
            let lease = try held(id, fence, now)
            exclude(lease.worker)
            uncomputable += 1
            self.detail = detail
            guard othersCould, uncomputable < policy.maxUncomputable else {
                phase = .failed(.uncomputable)
                return [.end(lease, .uncomputable), .giveUp(.uncomputable), .refund]
            }
            return giveBack(lease, .uncomputable, now, policy)
        case .committed(let id, let fence):
            let lease = try held(id, fence, now)
            phase = .verifying(lease)
            return [.verify(lease)]
        case .checkPassed(let id):
            phase = .completed(try checked(id))
            return []
        case .checkFailed(let id): return fail(try checked(id), policy)
        case .checkUnavailable(let id): return giveBack(try checked(id), .checkUnavailable, now, policy)
        case .tick:
            guard case .leased(let lease) = phase, now > lease.deadline else { return [] }
            return giveBack(lease, .leaseExpired, now, policy)
        case .refundNear:
            guard phase == .queued else { return [] }
            phase = .failed(.notEnoughTime)
            return [.giveUp(.notEnoughTime), .refund]
        case .canceled: return try cancel()
        case .claimed(let height):
            guard case .completed = phase else { throw Problem(.notReady, "the job's receipt is not signed yet") }
            claimHeight = claimHeight ?? height
            return []
        }
    }

    /// What a coordinator that has just started must take up again.
    package var resumption: [JobDirective] {
        switch phase {
        case .queued: [.offer]
        case .verifying(let lease): [.verify(lease)]
        case .quoted, .leased, .completed, .failed, .canceled: []
        }
    }

    /// A payment also reopens an expired quote: the money is there, so the work is owed. That of a canceled job goes back.
    private mutating func pay(_ payment: JobPayment) -> [JobDirective] {
        guard self.payment == nil else { return [] }
        self.payment = payment
        if phase == .canceled { return [.refund] }
        phase = .queued
        return [.offer]
    }

    /// Up to the commitment: a worker that has handed in its output is owed a verdict, and an accepted one its pay.
    private mutating func cancel() throws(Problem) -> [JobDirective] {
        let lease: LeaseGrant?
        switch phase {
        case .quoted, .queued: lease = nil
        case .leased(let held): lease = held
        case .canceled: return []
        case .verifying: throw Problem(.notReady, "an output is committed and under check; cancel again if it is refused")
        case .completed: throw Problem(.notReady, "the task is completed: its output is accepted and its miner is owed the price")
        case .failed(let reason): throw Problem(.notReady, "the task has failed already: \(reason.rawValue)")
        }
        phase = .canceled
        let end = lease.map { [JobDirective.end($0, .canceled)] } ?? []
        return end + [.giveUp(.canceled)] + (payment == nil ? [] : [.refund])
    }

    private mutating func take(_ lease: LeaseGrant, _ now: Int64) throws(Problem) {
        guard phase == .queued, now >= notBefore else { throw Problem(.leaseTaken, "the job does not wait for a worker") }
        guard !excluded.contains(lease.worker) else { throw Problem(.verificationFailed, "this worker's output for the job was refused") }
        guard lease.fence == fence + 1 else { throw Problem(.staleFence, "the next fencing number is \(fence + 1)") }
        fence = lease.fence
        phase = .leased(lease)
    }

    private func held(_ id: String, _ fence: Int64, _ now: Int64) throws(Problem) -> LeaseGrant {
        if phase == .canceled { throw Problem(.canceled, "the job was canceled") }
        if case .verifying(let lease) = phase, lease.id == id { throw Problem(.leaseTaken, "an output is committed for this lease already") }
        guard case .leased(let lease) = phase, lease.id == id else { throw Problem(.leaseExpired, "the lease is over") }
        guard lease.fence == fence else { throw Problem(.staleFence, "the lease's fencing number is \(lease.fence)") }
        guard now <= lease.deadline else { throw Problem(.leaseExpired, "the lease's deadline has passed") }
        return lease
    }

    private func checked(_ id: String) throws(Problem) -> LeaseGrant {
        guard case .verifying(let lease) = phase, lease.id == id else { throw Problem(.unknownLease, "no output of this lease is under check") }
        return lease
    }

    private mutating func exclude(_ worker: Address) {
        guard !excluded.contains(worker) else { return }
        if excluded.count >= Self.maxExcluded { excluded.removeFirst() }
        excluded.append(worker)
    }

    /// Keys cost nothing, so their number is bounded.
    private static let maxExcluded = 256

    private mutating func fail(_ lease: LeaseGrant, _ policy: JobPolicy) -> [JobDirective] {
        exclude(lease.worker)
        failedChecks += 1
        let isSpent = failedChecks >= policy.maxFailedChecks
        phase = isSpent ? .failed(.attemptsExhausted) : .queued
        return [.end(lease, .verificationFailed)] + (isSpent ? [.giveUp(.attemptsExhausted), .refund] : [.offer])
    }

    private mutating func giveBack(_ lease: LeaseGrant, _ reason: Reason, _ now: Int64, _ policy: JobPolicy) -> [JobDirective] {
        returns += 1
        notBefore = now + policy.rest(after: returns)
        lastHolder = lease.worker
        elsewhereUntil = notBefore + policy.elsewhereSeconds * 1000
        phase = .queued
        return [.end(lease, reason), .offer]
    }
}

extension JobState {
    /// Reads what `json` wrote; for the store alone.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "job state")
        let name = try fields.string("phase", maxBytes: 32)
        let lease = try fields.optional("lease").map { (value) throws(Problem) in try LeaseGrant(json: value) }
        let reason = try fields.optionalString("reason").map { (name) throws(Problem) in try Reason(name: name) }
        switch (name, lease, reason) {
        case ("quoted", _, _): phase = .quoted
        case ("queued", _, _): phase = .queued
        case ("leased", .some(let lease), _): phase = .leased(lease)
        case ("verifying", .some(let lease), _): phase = .verifying(lease)
        case ("completed", .some(let lease), _): phase = .completed(lease)
        case ("failed", _, .some(let reason)): phase = .failed(reason)
        case ("canceled", _, _): phase = .canceled
        default: throw Problem(.outOfRange, "a stored job is in no known phase")
        }
        if fields.optional("paymentTx") != nil {
            payment = JobPayment(tx: try fields.digest("paymentTx"), height: try fields.integer("paymentHeight"))
        }
        fence = try fields.integer("fence")
        excluded = try JSON.map(try fields.array("excluded", maxCount: 1024)) { (item) throws(Problem) in try Address(item.stringValue ?? "") }
        failedChecks = Int(try fields.integer("failedChecks"))
        uncomputable = Int(try fields.optionalInteger("uncomputable", in: 0...1024) ?? 0)
        detail = try fields.optionalString("detail")
        returns = Int(try fields.integer("returns"))
        notBefore = try fields.optionalInteger("notBefore") ?? 0
        lastHolder = try fields.optionalString("lastHolder", maxBytes: 64).map { (text) throws(Problem) in try Address(text) }
        elsewhereUntil = try fields.optionalInteger("elsewhereUntil") ?? 0
        claimHeight = try fields.optionalInteger("claimHeight")
        try fields.finish()
    }

    package var json: JSON {
        var lease: LeaseGrant? = phase.lease
        var reason: Reason?
        if case .completed(let done) = phase { lease = done }
        if case .failed(let why) = phase { reason = why }
        return .members([
            ("phase", .string(phase.name)),
            ("lease", lease?.json),
            ("reason", reason.map { .string($0.rawValue) }),
            ("paymentTx", payment.map { .string($0.tx.hex) }),
            ("paymentHeight", payment.map { .integer($0.height) }),
            ("fence", .integer(fence)),
            ("excluded", .array(excluded.map { .string($0.text) })),
            ("failedChecks", .integer(Int64(failedChecks))),
            ("uncomputable", uncomputable > 0 ? .integer(Int64(uncomputable)) : nil),
            ("detail", detail.map { .string($0) }),
            ("returns", .integer(Int64(returns))),
            ("notBefore", .integer(notBefore)),
            ("lastHolder", lastHolder.map { .string($0.text) }),
            ("elsewhereUntil", elsewhereUntil > 0 ? .integer(elsewhereUntil) : nil),
            ("claimHeight", claimHeight.map { .integer($0) }),
        ])
    }
}
