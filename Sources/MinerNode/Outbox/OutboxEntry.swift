package import Jobs
package import Ledger
package import Signing
package import Wire

/// One receipt on its way from a finished computation to a payment: the rules, and nothing that does anything.
///
/// ```
/// computed ──accepted──▶ attested ──prepared──▶ claiming ──settled──▶ paid
///     │                     │  ▲                   │
///     └──────refused────────┴──┼──unprepared───────┘──refused──▶ rejected
/// ```
/// Every step may be repeated after a crash: what it needs is here, and what it did is written before the next one.
package struct OutboxEntry: Sendable, Equatable {
    /// An output's bytes, kept until the coordinator has signed for them.
    package struct Output: Sendable, Equatable {
        package enum Place: Sendable, Equatable {
            /// A file of this name within the miner's folder of outputs.
            case file(String)
            /// Here: a file, and two waits for the disk, would cost more than so few bytes.
            case here([UInt8])
            /// With the coordinator, or wanted by nobody.
            case gone
        }

        package let root: Digest
        package let byteCount: Int
        package fileprivate(set) var place: Place

        package init(root: Digest, byteCount: Int, file: String) { self.init(root: root, byteCount: byteCount, place: .file(file)) }

        package init(root: Digest, byteCount: Int, place: Place) { (self.root, self.byteCount, self.place) = (root, byteCount, place) }

        /// The file's name; nil where there is none.
        package var file: String? { if case .file(let name) = place { name } else { nil } }
    }

    package indirect enum Phase: Sendable, Equatable {
        /// Signed by the miner, not yet by the coordinator.
        case computed
        /// Signed by both; no claim is on its way.
        case attested(ReceiptClaim)
        /// This claim was, or is about to be, sent.
        case claiming(ReceiptClaim, Transaction)
        /// The claim is in the block of this height.
        case paid(ReceiptClaim, height: Int64)
        /// It will never be paid, for this reason.
        case rejected(Problem)

        package var name: String {
            switch self {
            case .computed: "computed"
            case .attested: "attested"
            case .claiming: "claiming"
            case .paid: "paid"
            case .rejected: "rejected"
            }
        }

        package static let names = ["computed", "attested", "claiming", "paid", "rejected"]
    }

    package enum Event: Sendable, Equatable {
        case accepted(ReceiptClaim)
        case prepared(Transaction)
        /// The claim that was prepared can't get into a block; another one has to be made.
        case unprepared
        case settled(height: Int64)
        case refused(Problem)
    }

    /// What is to be done next.
    package enum Step: Sendable, Equatable { case deliver, prepareClaim, followClaim, nothing }

    private let lasting: Lasting
    package private(set) var outputs: [Output]
    package private(set) var phase: Phase
    /// When its steps were done.
    package private(set) var timeline: Timeline
    /// Why it stands still; nil while it goes on.
    package private(set) var delay: Delay?

    package init(lease: Lease, result: LeaseResult, outputs: [Output], timeline: Timeline = Timeline()) {
        lasting = Lasting(
            chain: lease.chain, leaseID: lease.id, heartbeatMilliseconds: lease.heartbeatMilliseconds, coordinator: lease.quote.coordinator,
            payment: lease.payment, result: result)
        self.outputs = outputs
        self.timeline = timeline
        phase = .computed
    }

    init(lasting: Lasting, outputs: [Output], phase: Phase, timeline: Timeline, delay: Delay?) {
        (self.lasting, self.outputs, self.phase, self.timeline, self.delay) = (lasting, outputs, phase, timeline, delay)
    }

    /// The same entry further on. Bytes are kept until the result is decided.
    func at(_ phase: Phase, _ timeline: Timeline, _ delay: Delay?) -> OutboxEntry {
        let outputs = phase == .computed ? outputs : outputs.map { $0.file == nil ? Output(root: $0.root, byteCount: $0.byteCount, place: .gone) : $0 }
        return OutboxEntry(lasting: lasting, outputs: outputs, phase: phase, timeline: timeline, delay: delay)
    }

    package var chain: ChainID { lasting.chain }
    package var leaseID: String { lasting.leaseID }
    /// How often the lease wants a heartbeat while the result is delivered.
    package var heartbeatMilliseconds: Int64 { lasting.heartbeatMilliseconds }
    /// The key that has to sign: the quote's.
    package var coordinator: PublicKey { lasting.coordinator }
    package var payment: Digest { lasting.payment }
    package var result: LeaseResult { lasting.result }

    package var id: ReceiptID { result.receipt.terms.receiptID }
    package var jobID: JobID { result.receipt.terms.jobID }

    package var step: Step {
        switch phase {
        case .computed: .deliver
        case .attested: .prepareClaim
        case .claiming: .followClaim
        case .paid, .rejected: .nothing
        }
    }

    /// Takes an event.
    ///
    /// - Parameter time: when it happened, in Unix milliseconds, for the timeline.
    /// - Throws: `bad_answer` or `bad_signature` for a coordinator's signature that isn't for this receipt; `internal_error` for an event that
    ///   can't come in this phase. Nothing has changed then.
    package mutating func apply(_ event: Event, at time: Int64? = nil) throws(Problem) {
        switch (phase, event) {
        case (.computed, .accepted(let claim)):
            try check(claim)
            phase = .attested(claim)
        case (.attested(let claim), .prepared(let transaction)):
            guard transaction.payload == .receiptClaim(claim) else { throw Problem(.internalError, "a claim of another receipt was prepared") }
            phase = .claiming(claim, transaction)
        case (.claiming(let claim, _), .unprepared): phase = .attested(claim)
        case (.claiming(let claim, _), .settled(let height)), (.attested(let claim), .settled(let height)): phase = .paid(claim, height: height)
        case (.computed, .refused(let problem)), (.attested, .refused(let problem)), (.claiming, .refused(let problem)): phase = .rejected(problem)
        case (.paid(_, let height), .settled(let again)) where height == again: break
        default: throw Problem(.internalError, "a receipt that is \(phase.name) can't take this step")
        }
        delay = nil
        switch phase {
        case .computed: break
        case .attested:
            timeline.note(.signed, time)
            for index in outputs.indices where outputs[index].file == nil { outputs[index].place = .gone }
        case .claiming: break
        case .paid: timeline.note(.paid, time)
        case .rejected: for index in outputs.indices where outputs[index].file == nil { outputs[index].place = .gone }
        }
    }

    /// Notes that a step was done, once.
    package mutating func note(_ step: Timeline.Step, at time: Int64) { timeline.note(step, time) }

    /// Notes why it stands still. False if that is known already.
    @discardableResult package mutating func wait(for problem: Problem, at time: Int64) -> Bool {
        guard delay?.code != problem.code else { return false }
        delay = Delay(code: problem.code, detail: String(problem.detail.prefix(300)), since: time)
        return true
    }

    /// Whether the coordinator signed exactly what the miner did, for the payment that the lease named.
    private func check(_ claim: ReceiptClaim) throws(Problem) {
        let receipt = result.receipt
        guard claim.terms == receipt.terms, claim.minerKey == receipt.minerKey,
            claim.minerSignature == receipt.minerSignature, claim.payment == payment, claim.coordinatorKey == coordinator
        else { throw Problem(.badAnswer, "the coordinator answered with another receipt") }
        guard claim.coordinatorSignatureHolds(on: chain, under: coordinator) else { throw Problem(.badSignature, "the coordinator's signature does not hold") }
    }
}
