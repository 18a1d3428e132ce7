import ChainClient
@testable import Coordinator
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: events")
struct CoordinatorEventTests {
    /// Collects a stream's text until the test has seen enough.
    final class Listener: DownloadSink {
        private let text = Mutex("")

        func begin(_ head: HTTPHead) throws(Problem) {}
        func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem) {
            let piece = unsafe String(decoding: chunk, as: UTF8.self)
            text.withLock { $0 += piece }
        }

        struct Event: Equatable {
            let id: String
            let name: String
            let data: JSON
        }

        /// The whole events so far.
        var events: [Event] {
            text.withLock { $0 }.components(separatedBy: "\n\n").dropLast().compactMap { block in
                var fields: [String: String] = [:]
                for line in block.split(separator: "\n") {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    fields[String(line[..<colon])] = String(line[line.index(after: colon)...]).trimmingCharacters(in: .whitespaces)
                }
                guard let id = fields["id"], let name = fields["event"], let json = try? JSON.parse(Array((fields["data"] ?? "").utf8)) else { return nil }
                return Event(id: id, name: name, data: json)
            }
        }

        var own: [String] { events.filter { $0.name != "network_state_changed" }.map(\.name) }
    }

    /// Listens while `body` runs.
    private func listen(
        _ running: CoordinatorUnderTest, _ client: CoordinatorClient, after: String? = nil, _ body: (Listener) async throws -> Void
    ) async throws {
        let listener = Listener()
        let stream = Task { try await client.events(after: after, into: listener) }
        defer { stream.cancel() }
        try await body(listener)
    }

    private func untilListening(_ running: CoordinatorUnderTest, _ count: Int) async throws {
        try await running.until("\(count) listen") { try await running.metrics().contains("\nadit_event_listeners \(count)\n") }
    }

    @Test func aClientHearsOfItsOwnTasksAndOfNobodyElses() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let (mine, other) = (try PrivateKey.generate(), try PrivateKey.generate())
            let work = try SampleWork()
            let worker = try await running.worker()
            try await self.listen(running, running.client(mine)) { heard in
                try await self.listen(running, running.client(other)) { unheard in
                    try await self.untilListening(running, 2)
                    let answer = try await running.buy(work, by: mine)
                    let lease = try await worker.lease()
                    _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
                    let second = try await running.buy(try SampleWork(seed: "2"), by: mine)
                    _ = try await running.client(mine).cancelTask(second.taskID)
                    try await running.until("heard") { heard.own.last == "task_failed" }
                    #expect(heard.own == ["task_received", "task_distributed", "subtask_completed", "task_completed", "task_received", "task_failed"])
                    #expect(heard.events.first { $0.name == "task_received" }?.data["taskId"] == .string(answer.taskID.text))
                    // Public ones hold counts alone.
                    running.clock.advance(2000)
                    try await running.until("public") { unheard.events.contains { $0.name == "network_state_changed" } }
                    #expect(unheard.own.isEmpty)
                    for event in unheard.events {
                        let text = event.data.canonicalString
                        #expect(!text.contains("job_") && !text.contains("ait1"))
                    }
                }
            }
        }
    }

    @Test func whoComesBackGetsWhatWasMissed() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let last = Mutex<String?>(nil)
        try await harness.run { running in
            let client = running.client(key)
            try await self.listen(running, client) { heard in
                try await self.untilListening(running, 1)
                _ = try await running.buy(try SampleWork(seed: "1"), by: key, paid: false)
                try await running.until("heard") { heard.own.count == 1 }
                last.withLock { $0 = heard.events.last { $0.name == "task_received" }?.id }
            }
            // A connection that is gone is found by the comments that keep it alive.
            try await running.until("nobody listens") {
                running.clock.advance(16_000)
                return try await running.metrics().contains("\nadit_event_listeners 0\n")
            }
            _ = try await running.buy(try SampleWork(seed: "2"), by: key, paid: false)
            _ = try await running.buy(try SampleWork(seed: "3"), by: key, paid: false)
            try await self.listen(running, client, after: last.withLock { $0 }) { heard in
                try await running.until("heard") { heard.own.count == 2 }
                #expect(!heard.events.contains { $0.data["missed"] != nil })
            }
        }
        // After a restart it is told that it missed something.
        harness.clock.advance(3000)
        try await harness.run { running in
            try await self.listen(running, running.client(key), after: last.withLock { $0 }) { heard in
                try await running.until("told") { heard.events.first?.data["missed"] == true }
            }
        }
    }

    @Test func streamsAreSignedBoundedAndEndWithTheService() async throws {
        let harness = try CoordinatorHarness()
        let streams = Mutex<[Task<Void, Never>]>([])
        try await harness.run { running in
            let client = running.client(try .generate())
            await expectRefusal(.unauthorized) { _ = try await harness.http.send(HTTPRequest(.get, running.base, path: "/events")).checked() }
            for id in ["x", "1-0", "1", "-5", "zz-1-2", String(repeating: "9", count: 300)] {
                await expectRefusal(.badRequest, "\(id)") { try await client.events(after: id, into: Listener()) }
            }
            for count in 1...EventHub.maxListenersPerClient {
                let stream = Task<Void, Never> { [client] in try? await client.events(after: nil, into: Listener()) }
                streams.withLock { $0.append(stream) }
                try await self.untilListening(running, count)
            }
            // One more takes the place of the oldest, which most likely is a connection that was given up.
            let oldest = try #require(streams.withLock { $0.first })
            let newest = Task<Void, Never> { [client] in try? await client.events(after: nil, into: Listener()) }
            streams.withLock { $0.append(newest) }
            await oldest.value
        }
        // They end with the service, not with a time limit of theirs: they have none.
        for stream in streams.withLock({ $0 }) { await stream.value }
    }

    @Test func aListenerThatFallsBehindIsLetGo() async throws {
        let hub = EventHub(start: 1, maxListeners: 16, registry: PrometheusRegistry())
        let (slow, other) = (try PrivateKey.generate().address, try PrivateKey.generate().address)
        let stream = try hub.listen(slow, after: nil)
        // Never more than what is kept for one: the rest is dropped with the listener.
        for number in 0..<20_000 { hub.publish(BoardEvent(name: .taskReceived, client: slow, data: ["n": .integer(Int64(number))])) }
        hub.publish(BoardEvent(name: .taskReceived, client: other, data: ["n": 0]))
        var count = 0
        for await _ in stream { count += 1 }
        #expect(count < 2 * EventHub.memory + EventHub.patience && count >= EventHub.patience)
        #expect(!hub.hasListeners)
        // It comes back and is told that there is a gap.
        let again = try hub.listen(slow, after: "1-5")
        hub.close()
        var first: ServerSentEvent?
        for await event in again where first == nil { first = event }
        guard case .event(_, let name, let data) = first else {
            Issue.record("nothing came")
            return
        }
        #expect(name == "network_state_changed" && data == ["missed": true])
        #expect(throws: Problem.self) { try hub.listen(slow, after: nil) }
    }
}
