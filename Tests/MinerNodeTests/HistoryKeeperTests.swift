import ChainClient
import Foundation
import Jobs
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("What the miner brings into its history") struct HistoryKeeperTests {
    private final class World: Sendable {
        let clock = Mutex(HistoryStoreTests.noon * 1000)
        let told = Mutex([String]())

        func keeper(_ path: String) -> HistoryKeeper {
            HistoryKeeper(
                HistoryStore(path: path, now: HistoryStoreTests.noon), samples: { [DeviceSample(device: "cpu", temperature: 55)] },
                earned: { _, price in price }, milliseconds: { self.clock.withLock { $0 } }
            ) { note in self.told.withLock { $0.append(note) } }
        }

        func wait(seconds: Int64) { clock.withLock { $0 += seconds * 1000 } }
    }

    private static func completed(_ seconds: Double, _ operations: Int64) -> MinerEvent {
        MinerEvent(name: .taskCompleted, facts: ["backend": "cpu", "operations": .integer(operations), "latency_ms": .real(seconds * 1000)])
    }

    @Test("Jobs and payments are counted, refusals and failures listed with their reasons") func counting() async throws {
        try await HistoryStoreTests.inFolder { folder in
            let world = World()
            let keeper = world.keeper("\(folder)/history.db")
            for _ in 0..<100 { keeper.note(Self.completed(0.01, 1_000)) }
            keeper.note(Self.completed(20, 40_000))
            keeper.note(MinerEvent(name: .receiptConfirmed, facts: ["compute_units": 5, "price": 100]))
            keeper.note(MinerEvent(name: .receiptConfirmed, facts: ["compute_units": .integer(.max), "price": .integer(.max - 7)]))
            keeper.note(MinerEvent(name: .taskFailed, facts: ["reason": "worker_fault", "code": "memory_limit", "detail": "too large"]))
            keeper.note(MinerEvent(name: .resultRejected, facts: ["code": "verification_failed"]))
            keeper.note(MinerEvent(name: .taskAssigned, facts: ["job_id": "x"]))
            world.wait(seconds: 1)
            keeper.look()
            let now = HistoryStoreTests.noon + 1
            let report = try keeper.store.report(hours: 1, now: now)
            #expect(report.lastHour.jobs == 101 && report.lastHour.failed == 1 && report.lastHour.rejected == 1 && report.lastHour.paid == 2)
            #expect(report.lastHour.units > 5 && report.lastHour.earned <= JSON.maxInteger)
            let points = try #require(report.devices.first?.points)
            #expect(abs(points.reduce(0) { $0 + $1.rate * 10 } - 140_000) < 1e-3)
            #expect(points.last?.temperature == 55)
            let events = try keeper.store.events(limit: 10)
            #expect(events.map(\.name) == ["result_rejected", "task_failed"])
            #expect(events.map(\.reason) == ["verification_failed", "worker_fault"])
            #expect(events[0].explained(ServiceAddresses(coordinator: "", node: ""))["remedy"]?.stringValue?.contains("self-test") == true)
        }
    }

    @Test("The same trouble again and again is listed once a minute") func repeats() async throws {
        try await HistoryStoreTests.inFolder { folder in
            let world = World()
            let keeper = world.keeper("\(folder)/history.db")
            for _ in 0..<125 {
                keeper.note(MinerEvent(name: .serviceUnreachable, facts: ["service": "coordinator", "code": "transport_failed"]))
                world.wait(seconds: 1)
            }
            keeper.look()
            let events = try keeper.store.events(limit: 10)
            #expect(events.map { $0.facts["repeated"]?.integerValue } == [59, 59, nil])
        }
    }

    @Test("What the operator did is listed each time: the list ends as the miner is") func operating() async throws {
        try await HistoryStoreTests.inFolder { folder in
            let world = World()
            let keeper = world.keeper("\(folder)/history.db")
            let steps: [(MinerEvent.Name, JSON?)] = [
                (.workPaused, "paused_by_operator"), (.workResumed, nil), (.workPaused, "draining"), (.workResumed, nil), (.workPaused, "paused_by_operator"),
                (.workResumed, nil), (.limitsChanged, nil), (.configRefused, nil), (.limitsChanged, nil), (.configRefused, nil),
            ]
            for (name, reason) in steps {
                keeper.note(MinerEvent(name: name, facts: reason.map { ["reason": $0] } ?? [:]))
                world.wait(seconds: 3)
            }
            keeper.look()
            let listed = try keeper.store.events(limit: 20)
            #expect(listed.map(\.name) == steps.reversed().map(\.0.rawValue))
        }
    }

    @Test("A disk that takes nothing is told once, and what was counted waits for it") func disk() async throws {
        try await HistoryStoreTests.inFolder { folder in
            let world = World()
            let path = "\(folder)/history.db"
            let keeper = world.keeper(path)
            keeper.look()
            let lock = try LockedFile(path)
            keeper.note(Self.completed(0.5, 10))
            for _ in 0..<2 { keeper.look() }
            #expect(world.told.withLock { $0.count } == 1)
            try lock.release()
            keeper.look()
            #expect(try keeper.store.report(hours: 1, now: HistoryStoreTests.noon + 1).lastHour.jobs == 1)
        }
    }

    @Test("A payment brings the price less what is burned, and the mint") func payout() throws {
        let rule = PayoutRule(NodeClient(try BaseURL("http://127.0.0.1:1"), http: try HTTPClient()))
        #expect(rule.earned(units: 10, price: 1_000) == 1_000, "before the chain's parameters are known")
        #expect(rule.known(units: 10, price: 1_000) == nil)
        rule.note(mintPerUnit: 30, burnBasisPoints: 500)
        #expect(rule.earned(units: 10, price: 1_000) == 950 + 300 && rule.known(units: 10, price: 1_000) == 1_250)
        #expect(rule.earned(units: .max, price: .max) <= JSON.maxInteger && rule.earned(units: -5, price: -5) == 0)
    }
}
