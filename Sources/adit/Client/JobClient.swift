import ChainClient
import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// A client's side of a job, step by step: upload, quote, pay, wait, fetch.
struct JobClient {
    let wallet: Wallet
    let coordinator: CoordinatorClient

    var address: Address { wallet.key.address }

    /// Uploads each distinct tensor that the coordinator doesn't hold yet. Returns the bytes sent.
    func upload(_ job: PreparedJob) async throws(Problem) -> Int {
        var sent = 0
        var seen: Set<Digest> = []
        for (input, root) in zip(job.inputs, job.roots) where seen.insert(root).inserted {
            if try await coordinator.hasBlob(root) { continue }
            try await coordinator.putBlob(root, try input.upload())
            sent += input.tensor.descriptor.byteCount
        }
        return sent
    }

    /// Asks for a quote, and checks that it is for this job, signed, and no dearer than `maxPrice` base units.
    func quote(_ spec: JobSpec, maxPrice: Int64?) async throws(Problem) -> TaskAnswer {
        let name = SecureRandom.hex(bytes: 16)
        let answer = try await Poll.until("the coordinator gave no quote") { () async throws(Problem) in
            try await coordinator.postTask(TaskRequest(spec: spec, client: address), idempotencyKey: name)
        }
        try answer.check(spec: spec, client: address, chain: wallet.chain)
        try await checkPayable(answer.quote, maxPrice: maxPrice)
        return answer
    }

    /// Throws unless the chain lists the quote's coordinator and the price is at most `maxPrice` base units.
    func checkPayable(_ quote: Quote, maxPrice: Int64?) async throws(Problem) {
        // An escrow for a key that the chain doesn't list could never be claimed.
        guard try await wallet.coordinators().contains(quote.coordinator) else {
            throw Problem(.unknownCoordinator, "the quote's coordinator \(quote.coordinator) is not on the chain's list; nothing was paid")
        }
        if let maxPrice, quote.price > maxPrice {
            throw Problem(.tooExpensive, "the quote is \(Figures.ait(quote.price)), over your limit of \(Figures.ait(maxPrice)); nothing was paid")
        }
    }

    /// Pays the quote into escrow and waits for the block. Returns the transaction's hash and its height.
    func pay(_ quote: Quote) async throws(Problem) -> (tx: Digest, height: Int64) {
        let transfer = try Transfer(to: .escrow, amount: quote.price, quote: quote)
        return try await wallet.send(.transfer(transfer))
    }

    /// How long a job may rest before its client is told why.
    private static let silence = Duration.seconds(5)

    /// Waits until the job is completed or failed, telling of every change. The result is what the quote was for, and signed.
    ///
    /// - Parameter onRest: is told once, in words, what a job waits for that nobody takes up.
    func finish(
        _ quote: Quote, _ job: PreparedJob, onChange: (TaskStatus) -> Void, onRest: (String) -> Void = { _ in }
    ) async throws(Problem) -> TaskResult {
        var last: TaskStatus?
        var told = false
        let clock = ContinuousClock()
        var since = clock.now
        let result = try await Poll.until("", patience: nil) { () async throws(Problem) -> TaskResult? in
            let status = try await coordinator.task(quote.jobID)
            if status.phase != last?.phase || status.worker != last?.worker || status.attempts != last?.attempts {
                onChange(status)
                since = clock.now
            }
            last = status
            switch status.stage {
            case .completed: return try await coordinator.taskResult(quote.jobID)
            case .failed:
                let detail = status.detail.map { " (\($0))" } ?? ""
                throw Problem(.jobFailed, "the job failed: \(status.reason?.rawValue ?? "no reason given")\(detail); what was paid goes back")
            case .pending where !told && clock.now - since >= Self.silence:
                told = true
                onRest(await rest(status))
                return nil
            case .pending, .running: return nil
            }
        }
        try result.output.check(spec: job.spec, kernel: job.kernel)
        try result.check(on: wallet.chain)
        guard result.receipt.terms.jobID == quote.jobID, result.receipt.coordinatorKey == quote.coordinator else {
            throw Problem(.outputMismatch, "the receipt is for another job or of another coordinator")
        }
        return result
    }

    /// What a job that is not begun waits for.
    private func rest(_ status: TaskStatus) async -> String {
        guard status.phase == "queued" else { return "for the coordinator to see the payment in a block" }
        guard let state = try? await coordinator.networkState() else { return "for a miner" }
        let count = state.workerCount
        guard count > 0 else { return "for a miner: none is connected to this coordinator now" }
        let miners = count == 1 ? "the 1 miner" : "one of the \(count) miners"
        return "for \(miners) here: busy, resting, or too small for this job"
    }

    /// Waits for the receipt's claim to be in a block; returns its height.
    func claim(_ receipt: ReceiptClaim) async throws(Problem) -> Int64 {
        try await Poll.until("receipt \(receipt.terms.receiptID) is in no block yet; the miner will go on trying") { () async throws(Problem) in
            try await wallet.node.getReceipt(receipt.terms.receiptID)?.height
        }
    }
}
