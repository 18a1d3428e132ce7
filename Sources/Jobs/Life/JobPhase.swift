/// Where a job stands. Only `completed`, `failed` and `canceled` are ends; a payment reopens one that failed as `quote_expired`.
package enum JobPhase: Sendable, Equatable {
    /// Quoted, and not paid as far as the chain shows.
    case quoted
    /// Paid, and waiting for a worker.
    case queued
    /// A worker computes.
    case leased(LeaseGrant)
    /// A worker's output is committed and under check; the lease's clock stands still.
    case verifying(LeaseGrant)
    /// Checked and signed; the lease names who did it.
    case completed(LeaseGrant)
    case failed(Reason)
    case canceled

    /// All names of phases.
    package static let names = ["quoted", "queued", "leased", "verifying", "completed", "failed", "canceled"]

    /// The phase's name in the store and in answers.
    package var name: String {
        switch self {
        case .quoted: "quoted"
        case .queued: "queued"
        case .leased: "leased"
        case .verifying: "verifying"
        case .completed: "completed"
        case .failed: "failed"
        case .canceled: "canceled"
        }
    }

    /// The lease that is in force: none unless a worker computes or its output is under check.
    package var lease: LeaseGrant? {
        switch self {
        case .leased(let lease), .verifying(let lease): lease
        case .quoted, .queued, .completed, .failed, .canceled: nil
        }
    }

    package var isFinal: Bool {
        switch self {
        case .completed, .failed, .canceled: true
        case .quoted, .queued, .leased, .verifying: false
        }
    }
}

/// How often a job may be tried before it is given up, and how long it rests between.
package struct JobPolicy: Sendable, Equatable {
    /// Outputs that failed their check.
    package let maxFailedChecks: Int
    /// Workers that say the work has no answer. One alone may be lying, to have a client's job refunded.
    package let maxUncomputable: Int
    /// The longest rest after a lease that expired or was given back.
    package let maxRestSeconds: Int64
    /// After a rest, how long the job is kept for others than the worker that did not finish it, where there are any.
    package let elsewhereSeconds: Int64

    package init(maxFailedChecks: Int = 3, maxUncomputable: Int = 2, maxRestSeconds: Int64 = 300, elsewhereSeconds: Int64 = 30) {
        self.maxFailedChecks = maxFailedChecks
        self.maxUncomputable = maxUncomputable
        self.maxRestSeconds = maxRestSeconds
        self.elsewhereSeconds = elsewhereSeconds
    }

    /// How long a job rests after so many returns, in milliseconds: 2 seconds after the first, then twice as long each time.
    func rest(after returns: Int) -> Int64 { min(1 << Int64(min(max(returns, 0), 30)), maxRestSeconds) * 1000 }
}

/// What can happen to a job.
package enum JobEvent: Sendable, Equatable {
    /// Its escrow is in a block.
    case paid(JobPayment)
    /// The chain's head passed the quote's last height without an escrow.
    case quoteExpired
    /// A worker takes it.
    case granted(LeaseGrant)
    /// The holder is alive; the deadline moves to `until`.
    case heartbeat(lease: String, fence: Int64, until: Int64)
    /// The coordinator was away, and with it the way to report: the deadline moves to `until`.
    case resumed(until: Int64)
    /// The holder gives it back.
    case returned(lease: String, fence: Int64, Reason)
    /// The holder says that the work has no answer, and why in its own words; whether another worker could be asked.
    case uncomputable(lease: String, fence: Int64, String, othersCould: Bool)
    /// The holder committed to an output.
    case committed(lease: String, fence: Int64)
    case checkPassed(lease: String)
    case checkFailed(lease: String)
    /// The coordinator itself could not check, through no fault of the worker's.
    case checkUnavailable(lease: String)
    /// Time passed.
    case tick
    /// The client could have its money back before another lease would end.
    case refundNear
    case canceled
    /// Its receipt's claim is in a block.
    case claimed(height: Int64)
}

/// What is to be done after an event, in this order, once the new state is stored.
package enum JobDirective: Sendable, Equatable {
    /// The job waits for a worker: offer it.
    case offer
    /// The lease is over for this reason.
    case end(LeaseGrant, Reason)
    /// Draw a challenge and check the committed output.
    case verify(LeaseGrant)
    /// The job will not be done.
    case giveUp(Reason)
    /// The escrow's money is to go back to the client; written down together with the state.
    case refund
}
