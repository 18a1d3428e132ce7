import ArgumentParser
import ChainClient
import Foundation
import Jobs
import Ledger
import Wire

struct JobList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Your jobs, the newest first.")

    @Option(help: "Only those that are pending, running, completed or failed.") var status: String?
    @Option(help: "How many at most.") var limit = 20
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        if let status, TaskStage(rawValue: status) == nil {
            throw ValidationError("--status is one of \(TaskStage.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000.") }
    }

    func run() async throws {
        let coordinator = try await client.client().coordinator
        var tasks: [TaskStatus] = []
        var after: String?
        repeat {
            let page = try await coordinator.tasks(stage: status.flatMap { TaskStage(rawValue: $0) }, after: after)
            tasks += page.tasks
            after = page.next
        } while after != nil && tasks.count < limit
        let isMore = after != nil || tasks.count > limit
        tasks = Array(tasks.prefix(limit))
        if json { return Terminal.emit(["tasks": .array(tasks.map(\.json))]) }
        guard !tasks.isEmpty else { return Terminal.say("no jobs") }
        for line in Self.table(tasks) { Terminal.say(line) }
        if isMore { Terminal.say("… and more: --limit \(limit * 2)") }
    }

    /// One line a task under a head, columns as wide as they need.
    static func table(_ tasks: [TaskStatus]) -> [String] {
        let head = ["JOB", "CREATED", "KERNEL", "PRICE", "STATUS", "NOTE"]
        let rows =
            [head]
            + tasks.map { task in
                [
                    task.taskID.text, task.summary.map { time($0.created) } ?? "", task.summary?.type ?? "",
                    task.summary.map { Figures.ait($0.price) } ?? "", task.stage.rawValue, note(task),
                ]
            }
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }

    private static func note(_ task: TaskStatus) -> String {
        if let refund = task.refund { return "\(task.reason?.rawValue ?? task.phase), \(refund.stage.rawValue)" }
        if let reason = task.reason { return reason.rawValue }
        switch task.stage {
        case .running: return "\(Figures.rounded(task.progress * 100, 0)) %, attempt \(task.attempts)"
        case .completed: return task.claimHeight.map { "claimed in block \($0)" } ?? "not claimed yet"
        case .pending, .failed: return task.phase
        }
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601.dateTimeSeparator(.space).timeZoneSeparator(.omitted))
    }
}

struct JobCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a job; what was paid goes back.",
        discussion: "A job can be canceled until a miner has handed in an output. The refund takes the chain's refund delay; --wait waits for it.")

    @Argument(help: "The job's id (job_…).") var id: String
    @Flag(help: "Wait until the money is back.") var wait = false
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let coordinator = try await client.client().coordinator
        let job = try JobID(id)
        var status = try await coordinator.cancelTask(job)
        while wait, let refund = status.refund, refund.stage != .refunded {
            try await Poll.pause()
            status = try await coordinator.task(job)
        }
        if json { return Terminal.emit(status.json) }
        Terminal.say("\(status.taskID): \(status.reason?.rawValue ?? status.phase)")
        Terminal.say(RefundLine.text(status) ?? "nothing was paid")
    }
}

/// How far a refund is, in words.
enum RefundLine {
    /// `nil` where there is none.
    static func text(_ status: TaskStatus) -> String? {
        guard let refund = status.refund else { return nil }
        let tx = refund.tx.map { ", transaction \($0)" } ?? ""
        switch refund.stage {
        case .refunding: return refund.height.map { "refunding: in block \($0), the escrow is closing\(tx)" } ?? "refunding: not in a block yet\(tx)"
        case .refunded: return "refunded\(refund.height.map { " by block \($0)" } ?? "")\(tx)"
        }
    }
}
