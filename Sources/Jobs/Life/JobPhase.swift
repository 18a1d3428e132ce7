/// Where a job stands. Only `completed`, `failed` and `canceled` are ends, and a payment reopens the last one.
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

/// How often a job may be tried before it is given up.
package struct JobPolicy: Sendable, Equatable {
    /// Outputs that failed their check.
    package let maxFailedChecks: Int
    /// Leases that expired or were given back.
    package let maxReturns: Int

    package init(maxFailedChecks: Int = 3, maxReturns: Int = 12) {
        self.maxFailedChecks = maxFailedChecks
        self.maxReturns = maxReturns
    }
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
    /// The holder gives it back.
    case returned(lease: String, fence: Int64, Reason)
    /// The holder committed to an output.
    case committed(lease: String, fence: Int64)
    case checkPassed(lease: String)
    case checkFailed(lease: String)
    /// The coordinator itself could not check, through no fault of the worker's.
    case checkUnavailable(lease: String)
    /// Time passed.
    case tick
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
}
