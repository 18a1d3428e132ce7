package import Ledger
package import Signing
package import Wire

/// Where a task stands, in the four words of the API.
package enum TaskStage: String, CaseIterable, Sendable {
    case pending, running, completed, failed

    package init(name: String) throws(Problem) {
        guard let stage = TaskStage(rawValue: name) else {
            throw Problem(.outOfRange, "a status is one of \(TaskStage.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = stage
    }
}

/// The answer to `GET /tasks/{id}`.
package struct TaskStatus: Sendable, Equatable {
    package let taskID: JobID
    package let stage: TaskStage
    /// The finer phase: `quoted`, `queued`, `leased`, `verifying`, `completed`, `failed`, `canceled`.
    package let phase: String
    /// 0…1, as the worker reports it.
    package let progress: Double
    /// Why it failed.
    package let reason: Reason?
    package let attempts: Int64
    package let failedChecks: Int64
    /// The transaction that paid, once it is in a block, and its height.
    package let payment: JobPayment?
    /// The worker that holds or held the latest lease.
    package let worker: Address?
    /// The height of the block with the receipt's claim.
    package let claimHeight: Int64?
    /// Of a paid task that failed or was canceled.
    package let refund: TaskRefund?
    package let summary: TaskSummary?
    /// Why the work has no answer, in a worker's words; nil for every other reason.
    package let detail: String?

    package init(
        taskID: JobID, stage: TaskStage, phase: String, progress: Double, reason: Reason?, attempts: Int64, failedChecks: Int64,
        payment: JobPayment?, worker: Address?, claimHeight: Int64?, refund: TaskRefund? = nil, summary: TaskSummary? = nil, detail: String? = nil
    ) {
        self.detail = detail
        self.refund = refund
        self.summary = summary
        self.taskID = taskID
        self.stage = stage
        self.phase = phase
        self.progress = progress
        self.reason = reason
        self.attempts = attempts
        self.failedChecks = failedChecks
        self.payment = payment
        self.worker = worker
        self.claimHeight = claimHeight
    }

    /// The status of a job in `state`.
    package init(taskID: JobID, state: JobState, progress: Double, refund: TaskRefund? = nil, summary: TaskSummary? = nil) {
        var worker = state.phase.lease?.worker
        var reason: Reason?
        let stage: TaskStage
        switch state.phase {
        case .quoted, .queued: stage = .pending
        case .leased, .verifying: stage = .running
        case .completed(let lease): (stage, worker) = (.completed, lease.worker)
        case .failed(let why): (stage, reason) = (.failed, why)
        case .canceled: (stage, reason) = (.failed, .canceled)
        }
        self.init(
            taskID: taskID, stage: stage, phase: state.phase.name, progress: stage == .completed ? 1 : progress, reason: reason,
            attempts: state.attempts, failedChecks: Int64(state.failedChecks), payment: state.payment, worker: worker,
            claimHeight: state.claimHeight, refund: refund, summary: summary, detail: reason == .uncomputable ? state.detail : nil)
    }

    /// Reads an answer that was parsed with reals allowed.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task status")
        taskID = try fields.jobID("taskId")
        stage = try TaskStage(name: try fields.string("status", maxBytes: 32))
        phase = try fields.string("phase", maxBytes: 32)
        progress = try fields.optionalRatio("progress") ?? 0
        reason = try fields.optionalString("reason").map { (name) throws(Problem) in try Reason(name: name) }
        detail = try fields.optionalString("detail")
        attempts = try fields.integer("attempts")
        failedChecks = try fields.integer("failedChecks")
        let paid = fields.optional("paymentTx") != nil
        payment = paid ? JobPayment(tx: try fields.digest("paymentTx"), height: try fields.integer("paymentHeight")) : nil
        worker = fields.optional("worker") == nil ? nil : try fields.address("worker")
        claimHeight = try fields.optionalInteger("claimHeight")
        refund = try fields.optional("refund").map { (value) throws(Problem) in try TaskRefund(json: value) }
        if let type = try fields.optionalString("type", maxBytes: 64) {
            summary = TaskSummary(type: type, price: try fields.integer("price"), created: try fields.integer("createdMs"))
        } else {
            summary = nil
        }
    }

    package var json: JSON {
        .members([
            ("taskId", .string(taskID.text)),
            ("status", .string(stage.rawValue)),
            ("phase", .string(phase)),
            ("progress", .ratio(progress)),
            ("reason", reason.map { .string($0.rawValue) }),
            ("detail", detail.map { .string($0) }),
            ("attempts", .integer(attempts)),
            ("failedChecks", .integer(failedChecks)),
            ("paymentTx", payment.map { .string($0.tx.hex) }),
            ("paymentHeight", payment.map { .integer($0.height) }),
            ("worker", worker.map { .string($0.text) }),
            ("claimHeight", claimHeight.map { .integer($0) }),
            ("refund", refund?.json),
            ("type", summary.map { .string($0.type) }),
            ("price", summary.map { .integer($0.price) }),
            ("createdMs", summary.map { .integer($0.created) }),
        ])
    }
}

/// The answer to `GET /tasks`: a page of the client's own tasks, newest first.
package struct TaskPage: Sendable, Equatable {
    package let tasks: [TaskStatus]
    /// To be given as `after` for the next page; `nil` on the last one.
    package let next: String?

    package init(tasks: [TaskStatus], next: String?) {
        self.tasks = tasks
        self.next = next
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task page")
        tasks = try JSON.map(try fields.array("tasks", maxCount: 1000)) { (item) throws(Problem) in try TaskStatus(json: item) }
        next = try fields.optionalString("next", maxBytes: 64)
    }

    package var json: JSON { .members([("tasks", .array(tasks.map(\.json))), ("next", next.map { .string($0) })]) }
}
