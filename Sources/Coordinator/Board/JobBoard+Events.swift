import Jobs
import Kernels
import Ledger
import Signing
import Wire

// What is told to those who listen (PROTOCOL section 11).
extension JobBoard {
    func tellReceived(_ job: StoredJob) {
        publish(
            .taskReceived, of: job,
            ["type": .string(job.spec.type), "computeUnits": .integer(job.quote.computeUnits), "price": .integer(job.quote.price)])
    }

    func tellDistributed(_ job: StoredJob, _ grant: LeaseGrant) {
        publish(.taskDistributed, of: job, ["worker": .string(grant.worker.text), "attempt": .integer(grant.fence)])
    }

    /// The job's one part, and with it the whole.
    func tellCompleted(_ job: StoredJob, _ terms: ReceiptTerms) {
        publish(.subtaskCompleted, of: job, ["part": .integer(terms.part), "worker": .string(terms.miner.text)])
        publish(.taskCompleted, of: job, ["receipt": .string(terms.receiptID.text), "outputHash": .string(terms.outputHash.text)])
    }

    func tellFailed(_ job: StoredJob, _ reason: Reason) {
        publish(.taskFailed, of: job, ["reason": .string(reason.rawValue), "refunding": .bool(job.state.payment != nil)])
    }

    private func publish(_ name: BoardEvent.Name, of job: StoredJob, _ details: [(String, JSON)]) {
        let data = JSON.object(JSONObject(distinct: [("taskId", .string(job.id.text))] + details))
        events.publish(BoardEvent(name: name, client: job.quote.client, data: data))
    }

    private func publish(_ name: BoardEvent.Name, of job: StoredJob, _ details: KeyValuePairs<String, JSON>) {
        publish(name, of: job, details.map { ($0.key, $0.value) })
    }

    /// Tells everybody of changed counts, at most once a second, and keeps streams alive. Counted only where somebody listens.
    func tellNetwork(_ now: Int64) {
        guard now >= nextNetworkEvent else { return }
        nextNetworkEvent = now + 1000
        guard events.hasListeners else { return }
        if now >= nextBeat {
            nextBeat = now + 15_000
            events.beat()
        }
        let state = networkState()
        let workers = state.workers.map { ($0.key.rawValue, JSON.integer($0.value)) }
        let data: JSON = [
            "workers": .object(JSONObject(distinct: workers)), "draining": .integer(state.draining),
            "jobs": .object(JSONObject(distinct: state.jobs.map { ($0.key, .integer($0.value)) })),
        ]
        guard data != lastNetwork else { return }
        lastNetwork = data
        events.publish(BoardEvent(name: .networkStateChanged, client: nil, data: data))
    }
}
