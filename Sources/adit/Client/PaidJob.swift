import Jobs
import Kernels
import Wire

/// A whole job, told step by step: upload, quote, payment, result, file, claim.
struct PaidJob {
    let client: JobClient
    /// One line a step.
    let say: (String) -> Void

    /// Returns when the receipt's claim is in a block; the outputs are then in the file at `path`.
    func run(_ job: PreparedJob, to path: String) async throws(Problem) {
        let story = JobStory(say: say)
        let sent = try await client.upload(job)
        story.say("inputs     \(Figures.bytes(Int64(sent))) uploaded, addressed by root \((job.roots.first?.hex ?? "").prefix(16))…")
        let answer = try await client.quote(job.spec, maxPrice: nil)
        story.quoted(answer, kernel: job.kernel)
        let payment = try await client.pay(answer.quote)
        story.paid(answer.quote, tx: payment.tx, height: payment.height)
        let result = try await client.finish(answer.quote, job, onChange: story.changed)
        story.completed(result, operations: job.kernel.operations)
        try await JobOutput.save(result, from: client.coordinator, to: path)
        story.claimed(height: try await client.claim(result.receipt))
    }
}
