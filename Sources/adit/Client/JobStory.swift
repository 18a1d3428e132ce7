import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// A job told in plain words, one line a step, as it happens.
struct JobStory {
    let say: (String) -> Void

    func quoted(_ answer: TaskAnswer, kernel: any Kernel) {
        let quote = answer.quote
        say(
            "quote      \(quote.jobID): \(Figures.grouped(quote.computeUnits)) compute unit\(quote.computeUnits == 1 ? "" : "s") for \(Figures.ait(quote.price)), good until block \(quote.expiresHeight)"
        )
        say("           the output will be checked by class \"\(kernel.verification.name)\", promise \(kernel.arithmetic.rawValue)")
    }

    func paid(_ quote: Quote, tx: Digest, height: Int64) {
        say("payment    \(Figures.ait(quote.price)) in escrow, block \(height), transaction \(tx.hex.prefix(16))…")
    }

    /// The command that fetches a job's output at another time.
    static func later(_ job: JobID, out: String?) -> String { "adit job result \(job) --out \(out ?? "FILE")" }

    /// Why nothing happens, and that nobody needs to stay for it.
    func waiting(_ why: String, _ job: JobID, out: String?) {
        say("waiting    \(why)")
        say("           Ctrl-C ends the waiting alone; the job goes on, and its output is had by")
        say("           \(Self.later(job, out: out))")
    }

    func changed(_ status: TaskStatus) {
        switch status.phase {
        case "leased": say("lease      attempt \(status.attempts), to miner \(status.worker?.text ?? "")")
        case "verifying": say("output     committed; the coordinator now draws a fresh challenge and checks it")
        case "queued" where status.attempts > 0: say("queued     again, for another miner (\(status.failedChecks) failed checks so far)")
        default: break
        }
    }

    func completed(_ result: TaskResult, operations: Int64) {
        let record = result.verification
        let seconds = Double(record.computeMicroseconds) / 1e6
        let rate = seconds > 0 ? Double(operations) / seconds / 1e9 : 0
        let unit = result.output.arithmetic == .i32Exact ? "Gop/s" : "GFLOP/s"
        // A few operations take no time that a speed could be made of.
        let speed = rate >= 0.1 ? ", \(Figures.rounded(rate, 1)) \(unit)" : ""
        say("computed   by \(record.worker), attempt \(record.attempts)")
        say("           on \(record.device): \(Figures.milliseconds(record.computeMicroseconds))\(speed)")
        let share = record.shareOfCompute.map { ", \(Figures.rounded($0 * 100, 1)) % of the compute time" } ?? ""
        say("verified   class \"\(record.className)\" in \(Figures.milliseconds(record.checkMicroseconds))\(share)")
        say("receipt    \(result.receipt.terms.receiptID), signed by miner and coordinator")
    }

    func claimed(height: Int64) {
        say("claim      in block \(height): the miner is paid")
    }
}
