import ChainClient
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import MinerNode
import Operations
import Signing
import Synchronization
import Testing
import Wire

/// A miner's local API, as its operator uses it.
struct MinerLocal {
    let http: HTTPClient
    let base: BaseURL
    /// What stands in the token's file.
    let token: String

    /// - Parameter folder: the miner's.
    init(_ world: MinerWorld, _ miner: TestMiner, folder: String) async throws {
        http = world.http
        base = try BaseURL("http://127.0.0.1:\(try #require(try await miner.localPort()))")
        token = try String(contentsOfFile: "\(folder)/token", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func get(_ path: String, query: String = "", headers: [(name: String, value: String)] = []) async throws -> JSON {
        try JSON.parse(try await http.send(HTTPRequest(.get, base, path: path, query: query, headers: headers)).checked().body, reals: true)
    }

    var work: (state: String?, reason: String?) {
        get async throws {
            let work = try await get("/status")["work"]
            return (work?["state"]?.stringValue, work?["reason"]?["code"]?.stringValue)
        }
    }

    @discardableResult func post(
        _ path: String, query: String = "", _ body: JSON? = nil, token: String? = nil, headers: [(name: String, value: String)] = []
    ) async throws -> HTTPResponse {
        let all = [("Authorization", "Bearer \(token ?? self.token)")] + headers
        return try await http.send(HTTPRequest(.post, base, path: path, query: query, headers: all, body: body.map { BytesSource($0.canonicalBytes) }))
    }

    func control(_ word: String) async throws { try await post("/control/\(word)").checked() }

    /// Looks until it is so; at most half a minute.
    func until(_ what: String, _ isSo: (JSON) -> Bool) async throws {
        for _ in 0..<600 {
            if isSo(try await get("/status")) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("never came: \(what); \(try await get("/status").canonicalString)")
    }
}

/// A device that takes its time over products of this many rows, step by step, and notes each step.
final class SteppingBackend: ComputeBackend {
    let name: String
    let device = "a device that takes steps"
    private let rows: Int
    private let steps: Int
    private let state = Mutex((times: [ContinuousClock.Instant](), threads: [Int?]()))

    init(_ name: String = "steps", rows: Int, steps: Int) { (self.name, self.rows, self.steps) = (name, rows, steps) }

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }
    func useThreads(atMost threads: Int?) { state.withLock { $0.threads.append(threads) } }

    var times: [ContinuousClock.Instant] { state.withLock { $0.times } }
    var threads: [Int?] { state.withLock { $0.threads } }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        if gemm.m == rows {
            for step in 0..<steps {
                state.withLock { $0.times.append(.now) }
                Thread.sleep(forTimeInterval: 0.01)
                try control.step(Double(step) / Double(steps))
            }
        }
        try PlainBackend().run(gemm, a: a, b: b, into: c, control: control)
    }

    func untilStep(_ count: Int) async throws {
        while times.count < count { try await Task.sleep(for: .milliseconds(5)) }
    }
}

/// A device for I8 that is well until it is told otherwise.
final class MoodyBackend: ComputeBackend {
    enum Mood: Sendable { case well, errs, hangs, lies }

    let name: String
    let device = "a device with moods"
    private let speed: Double
    private let state = Mutex(Mood.well)

    /// - Parameter speed: the fastest device gets the jobs.
    init(_ name: String = "moody", speed: Double = 1e15) { (self.name, self.speed) = (name, speed) }

    var mood: Mood {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    func capability(for gemm: GEMM) -> Capability? {
        gemm.arithmetic == .i32Exact ? Capability(arithmetic: gemm.arithmetic, operationsPerSecond: speed) : nil
    }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        // A driver that hangs looks at nothing.
        while mood == .hangs { Thread.sleep(forTimeInterval: 0.01) }
        if mood == .errs { throw Problem(.backendUnavailable, "the driver says -5") }
        try PlainBackend().run(gemm, a: a, b: b, into: c, control: control)
        if mood == .lies { unsafe c.buffer.withUnsafeMutableBytes { raw in if raw.count > 0 { unsafe raw[0] ^= 1 } } }
    }
}
