import Jobs
import Wire

/// What a miner does right now in a word, and why it does no more than that.
struct WorkState: Sendable, Equatable {
    enum Word: String, Sendable {
        /// Getting ready.
        case starting
        /// A device computes.
        case computing
        /// Leases are held: inputs come in, outputs go out.
        case working
        /// Nothing is held, and work would be welcome.
        case idle
        /// No work is allowed now.
        case paused
        /// What is held is finished, nothing new is taken.
        case draining
        case stopping
    }

    let word: Word
    /// Why there is no work, or less than there could be; nil only while something is computed or under way and nothing holds it up.
    let reason: WorkReason?
    /// What more there is to say.
    let detail: String?

    init(_ word: Word, _ reason: WorkReason? = nil, _ detail: String? = nil) { (self.word, self.reason, self.detail) = (word, reason, detail) }

    func json(_ services: ServiceAddresses) -> JSON {
        var members: [(String, JSON)] = [("state", .string(word.rawValue))]
        if let reason { members.append(("reason", reason.json(services))) }
        if let detail { members.append(("detail", .string(detail))) }
        return .object(JSONObject(distinct: members))
    }

    /// Everything that decides it, as it is at one moment.
    struct Facts: Sendable {
        var stage: StatusBoard.Stage
        /// What the operator has said last.
        var mode: MinerControl.Mode
        /// What the permit says, which follows the operator's word a moment later.
        var permitted: WorkPermit.Halt?
        var leases: Int
        var isComputing: Bool
        /// Why the last call for work, or the registration, failed.
        var asking: Problem?
        /// What the coordinator said when it had nothing.
        var noWork: (reason: WorkReason, detail: String?)?
        var isSetBack: Bool
        /// No more leases may be held.
        var isFull: Bool
        /// What slows a device down.
        var throttle: WorkReason?

        /// Why nothing new is taken. The operator's own word comes first, from the moment that it is given to the moment that it is taken back.
        var halt: WorkPermit.Halt? {
            if let reason = mode.reason { return WorkPermit.Halt(reason: reason, holds: mode == .paused) }
            let isStale = MinerControl.Mode.allCases.contains { $0.reason != nil && $0.reason == permitted?.reason }
            return isStale ? nil : permitted
        }
    }

    init(_ facts: Facts) {
        let trouble = facts.asking.map { (reason: WorkReason(asking: $0), detail: "\($0)") }
        switch facts.stage {
        case .starting, .testing, .profiling: self.init(.starting, facts.mode.reason ?? .starting)
        case .registering:
            if let order = facts.mode.reason {
                self.init(.starting, order)
            } else {
                self.init(.starting, trouble?.reason ?? facts.halt?.reason ?? .starting, trouble?.detail)
            }
        case .stopping: self.init(.stopping, .stopping)
        case .ready:
            if let halt = facts.halt {
                let goesOn = !halt.holds && facts.leases > 0
                self.init(halt.reason == .draining ? .draining : goesOn ? (facts.isComputing ? .computing : .working) : .paused, halt.reason)
            } else if facts.isComputing {
                self.init(.computing, facts.throttle)
            } else if facts.leases > 0 {
                self.init(.working, facts.throttle ?? (facts.isFull ? .jobsHeld : nil))
            } else if facts.isSetBack {
                self.init(.idle, .afterFailure)
            } else if let trouble {
                self.init(.idle, trouble.reason, trouble.detail)
            } else {
                self.init(.idle, facts.noWork?.reason ?? .noJobs, facts.noWork?.detail)
            }
        }
    }
}

extension WorkReason {
    /// Why a coordinator can't be worked for.
    init(asking problem: Problem) {
        self =
            switch problem.code {
            case .workerExcluded: .workerExcluded
            case .wrongChain: .wrongChain
            // Signed requests carry the time.
            case .requestExpired: .clockWrong
            case .unknownWorker: .starting
            default: .coordinatorUnreachable
            }
    }

    /// Why a receipt isn't paid, or never will be; nil for one that is.
    ///
    /// - Parameter trouble: what holds up everything that is on its way.
    init?(_ entry: OutboxEntry, trouble: Problem?) {
        let delay = entry.delay?.code ?? trouble?.code
        switch entry.phase {
        case .paid: return nil
        case .computed: self = entry.delay?.code.isOutage == true ? .coordinatorUnreachable : .awaitingCheck
        case .attested, .claiming:
            switch delay {
            case .mintLimited: self = .mintLimited
            case .feeTooLow, .insufficientBalance: self = .feeNotCovered
            case nil: self = .awaitingBlock
            case .some(let code): self = code.isOutage || entry.phase.name == "attested" ? .claimNotSent : .awaitingBlock
            }
        case .rejected(let problem):
            if entry.timeline[.signed] != nil {
                self = .claimRefused
            } else {
                switch problem.code {
                case .verificationFailed: self = .verificationFailed
                case .leaseExpired, .unknownLease, .staleFence, .leaseTaken: self = .resultTooLate
                default: self = .resultRefused
                }
            }
        }
    }
}
