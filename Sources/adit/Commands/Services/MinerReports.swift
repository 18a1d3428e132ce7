import ArgumentParser
import ChainClient
import Foundation
import HTTPServing
import MinerNode
import Operations
import Wire

/// Which miner: the options that its reports share.
struct MinerOptions: ParsableArguments {
    @Option(help: "HOST:PORT or URL of the miner's local API (MINER_BIND).") var miner: String?
    @Option(help: "A devnet's folder: its first miner is asked.") var devnet: String?
    @Option(help: "The miner's folder, read where no miner answers (MINER_DATA).") var data: String?
    @Flag(help: "Print one JSON object.") var json = false
    @OptionGroup var exposure: Exposure

    /// A mistake in the config file keeps nobody from looking at a miner or from stopping it; it is told once, by `warn`.
    var settings: Settings { get throws(Problem) { try Settings(strict: false) } }

    func warn() throws(Problem) {
        if let problem = try settings.file?.problem { Terminal.complain("adit: warning: \(problem.detail)") }
    }

    func url() throws(Problem) -> BaseURL {
        if miner == nil, let devnet, let first = try DevnetFile.load(devnet).miners.first { return try exposure.url(first) }
        let text = try settings.text(.minerBind, miner)
        return try exposure.url(text.contains("://") ? text : "http://\(text)")
    }

    /// What the miner answers; nil where none does.
    func ask(_ path: String, query: String = "") async throws(Problem) -> JSON? {
        let http = try HTTPClient()
        defer { http.close() }
        do throws(Problem) {
            return try await http.send(HTTPRequest(.get, try url(), path: path, query: query, limits: HTTPLimits(connect: .seconds(2), answerBytes: 64 << 20)))
                .checked().json()
        } catch  where error.code == .transportFailed {
            return nil
        }
    }

    /// The folder of a miner that does not run; nil where there is none.
    func store() throws(Problem) -> OutboxStore? {
        let folder = try settings.text(.minerData, data)
        let path = "\(folder)/miner.db"
        return FileManager.default.fileExists(atPath: path) ? try OutboxStore(path: path) : nil
    }

    /// Neither a miner nor its folder.
    var nobody: Problem { Problem(.transportFailed, "no miner answers at its local address, and there is no folder of one; see --miner and --data") }
}

struct MinerStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What a miner is doing, and why no more: devices, limits, leases, receipts.")

    @OptionGroup var options: MinerOptions

    func run() async throws {
        try options.warn()
        guard let answer = try await options.ask("/status") else {
            guard let store = try options.store() else { throw options.nobody }
            let counts = try store.counts()
            if options.json {
                return Terminal.emit(["state": "stopped", "outbox": .object(JSONObject(distinct: counts.map { ($0.key, .integer(Int64($0.value))) }))])
            }
            Terminal.say("state      stopped")
            return Terminal.say("receipts   \(ReceiptTable.counts { counts[$0].map(Int64.init) })")
        }
        if options.json { return Terminal.emit(answer) }
        for line in MinerStatusText.lines(answer) { Terminal.say(line) }
    }
}

struct MinerReceipts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "Every receipt from job to paid, the newest first.",
        discussion: "Steps are in seconds since the lease. What stands still is followed by the reason.")

    @OptionGroup var options: MinerOptions
    @Option(help: "How many, 1 … \(ReceiptList.most).") var limit = 20
    @Option(help: "Only those in this phase: \(OutboxEntry.Phase.names.joined(separator: ", ")).") var phase: String?

    func validate() throws {
        guard (1...ReceiptList.most).contains(limit) else { throw ValidationError("--limit is 1 … \(ReceiptList.most)") }
        if let phase, !OutboxEntry.Phase.names.contains(phase) { throw ValidationError("no phase is called \(phase)") }
    }

    func run() async throws {
        try options.warn()
        let query = "?limit=\(limit)" + (phase.map { "&phase=\($0)" } ?? "")
        let answer: JSON
        if let live = try await options.ask("/receipts", query: query) {
            answer = live
        } else if let store = try options.store() {
            answer = ["receipts": .array(try store.history(phase: phase, limit: limit).map { ReceiptList.json($0) })]
        } else {
            throw options.nobody
        }
        if options.json { return Terminal.emit(answer) }
        for line in ReceiptTable.lines(answer["receipts"]?.arrayValue ?? []) { Terminal.say(line) }
    }
}
