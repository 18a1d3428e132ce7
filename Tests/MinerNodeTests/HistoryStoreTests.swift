import Foundation
import GRDB
import MinerNode
import Testing
import Wire

@Suite("The miner's history on disk") struct HistoryStoreTests {
    /// A Monday at noon: no special hour.
    static let noon: Int64 = 1_780_056_000

    static func inFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-history-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }

    @Test("Samples are means over their step, and what a device hasn't got stays unknown") func samples() async throws {
        try await Self.inFolder { folder in
            let store = HistoryStore(path: "\(folder)/history.db", now: Self.noon)
            try store.append(
                [
                    .sample(DeviceSample(device: "cpu", temperature: 60, power: 40, duty: 1), at: Self.noon),
                    .sample(DeviceSample(device: "cpu", temperature: 70, power: nil, duty: 0.5), at: Self.noon + 5),
                    .sample(DeviceSample(device: "opencl:0", temperature: .nan, power: .infinity), at: Self.noon),
                ], now: Self.noon)
            let report = try HistoryStore(path: "\(folder)/history.db", now: Self.noon).report(hours: 1, now: Self.noon + 60)
            #expect(report.deviceStep == 10)
            #expect(report.devices.map(\.name) == ["cpu", "opencl:0"])
            let point = try #require(report.devices.first?.points.first)
            #expect(report.devices.first?.points.count == 1 && point.start == Self.noon)
            #expect(point.temperature == 65 && point.power == 40 && point.duty == 0.75 && point.rate == 0 && point.busy == 0)
            let other = try #require(report.devices.last?.points.first)
            #expect(other.temperature == nil && other.power == nil && other.duty == nil)
        }
    }

    @Test("A long computation is spread over the time it took, in every level") func spreading() async throws {
        try await Self.inFolder { folder in
            let store = HistoryStore(path: "\(folder)/history.db", now: Self.noon)
            // 25 s to five seconds past a step: 5, 10 and 10 … that is steps of 10, 10 and 5 seconds.
            try store.append([.computed(device: "cpu", operations: 2_500, seconds: 25, at: Self.noon + 25)], now: Self.noon)
            let points = try #require(try store.report(hours: 1, now: Self.noon + 60).devices.first?.points)
            #expect(points.map(\.start) == [Self.noon, Self.noon + 10, Self.noon + 20])
            #expect(points.map { ($0.rate * 10).rounded() } == [1_000, 1_000, 500])
            #expect(points.map { ($0.busy * 10).rounded() } == [10, 10, 5])
            for hours in [24, 24 * 31, 24 * 365] as [Int64] {
                let report = try store.report(hours: hours, now: Self.noon + 60)
                let sum = try #require(report.devices.first).points.reduce(0) { $0 + $1.rate * Double(report.deviceStep) }
                #expect(abs(sum - 2_500) < 1e-6, "\(hours) h")
            }
        }
    }

    @Test("No answer has more than 400 points, and the hours that are asked for are all in it") func points() async throws {
        try await Self.inFolder { folder in
            let store = HistoryStore(path: "\(folder)/history.db", now: Self.noon)
            let spans: [Int64] = [1, 2, 6, 12, 24, 48, 24 * 7, 24 * 31, 24 * 365, HistoryStore.longestHours]
            for hours in spans {
                let report = try store.report(hours: hours, now: Self.noon)
                #expect(report.to - report.from == hours * 3600)
                // One more for the step that has begun.
                #expect((hours * 3600 + report.deviceStep - 1) / report.deviceStep <= 400 && (hours * 3600 + report.workStep - 1) / report.workStep <= 400)
            }
        }
    }

    @Test("Old steps go, coarse ones stay, and a clock that was ahead leaves nothing") func pruning() async throws {
        try await Self.inFolder { folder in
            let path = "\(folder)/history.db"
            let store = HistoryStore(path: path, now: Self.noon)
            let ages: [Int64] = [0, 3600, 2 * 86_400, 40 * 86_400, 800 * 86_400, -86_400]
            var work = HistoryWork()
            work.jobs = 1
            for age in ages {
                try store.append(
                    [.sample(DeviceSample(device: "cpu", temperature: 50), at: Self.noon - age), .work(work, at: Self.noon - age)], now: Self.noon)
            }
            try store.append([.sample(DeviceSample(device: "gone", temperature: 50), at: Self.noon - 900 * 86_400)], now: Self.noon)
            let event = HistoryEntry.event(name: "ready", reason: nil, facts: [:], atMilliseconds: 1)
            try store.append(Array(repeating: event, count: 5_010), now: Self.noon)
            try store.prune(now: Self.noon)
            let counts = try DatabaseQueue(path: path).read { db in
                try [
                    "sample WHERE step = 10", "sample WHERE step = 300", "sample WHERE step = 3600", "work WHERE step = 60", "work WHERE step = 3600", "event",
                    "device",
                ].map { try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \($0)") }
            }
            #expect(counts == [2, 3, 4, 2, 4, 5_000, 1])
            let report = try store.report(hours: 1, now: Self.noon)
            #expect(report.lastHour.jobs == 1 && report.lastDay.jobs == 2)
        }
    }

    @Test("A torn file is put aside, said so, and a new one begins", arguments: ["noise", "cut", "table"]) func torn(_ kind: String) async throws {
        try await Self.inFolder { folder in
            let path = "\(folder)/history.db"
            let sample = HistoryEntry.sample(DeviceSample(device: "cpu", temperature: 50), at: Self.noon)
            do {
                let store = HistoryStore(path: path, now: Self.noon)
                for index in 0..<200 { try store.append([sample, .event(name: "ready \(index)", reason: nil, facts: [:], atMilliseconds: 1)], now: Self.noon) }
                #expect(store.takeNotes() == [])
            }
            switch kind {
            case "noise": try Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 37) }).write(to: URL(filePath: path))
            case "cut":
                let whole = try Data(contentsOf: URL(filePath: path))
                try whole.prefix(whole.count / 2 + 100).write(to: URL(filePath: path))
            default: try DatabaseQueue(path: path).write { db in try db.execute(sql: "DROP TABLE sample") }
            }
            let store = HistoryStore(path: path, now: Self.noon)
            try store.append([sample], now: Self.noon)
            let notes = store.takeNotes()
            #expect(notes.count == 1 && notes[0].contains("history.db.torn-\(Self.noon)"), "\(notes)")
            #expect(store.takeNotes() == [])
            #expect(try store.report(hours: 1, now: Self.noon).devices.first?.points.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).contains("history.db.torn-\(Self.noon)"))
        }
    }

    @Test("Of files that were put aside two are kept") func asides() async throws {
        try await Self.inFolder { folder in
            for index in 0..<5 {
                try Data("not a database, not even nearly, by any means at all".utf8).write(to: URL(filePath: "\(folder)/history.db"))
                _ = HistoryStore(path: "\(folder)/history.db", now: Self.noon + Int64(index))
            }
            let aside = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("torn") }
            #expect(aside.sorted() == ["history.db.torn-\(Self.noon + 3)", "history.db.torn-\(Self.noon + 4)"])
        }
    }

    @Test("Where no file can be written the history goes on in memory, and says so") func memory() async throws {
        try await Self.inFolder { folder in
            let store = HistoryStore(path: "\(folder)/there/is/no/such/folder/history.db", now: Self.noon)
            #expect(store.takeNotes().last == "the history is kept in memory, until the miner ends")
            try store.append([.sample(DeviceSample(device: "cpu", temperature: 50), at: Self.noon)], now: Self.noon)
            #expect(try store.report(hours: 1, now: Self.noon).devices.count == 1)
        }
    }

    @Test("Cells of another kind are nothing, and end no program") func strangeCells() async throws {
        try await Self.inFolder { folder in
            let path = "\(folder)/history.db"
            let store = HistoryStore(path: path, now: Self.noon)
            var work = HistoryWork()
            (work.units, work.earned) = (.max, .max)
            try store.append(
                [.computed(device: "cpu", operations: 10, seconds: 1, at: Self.noon), .work(work, at: Self.noon), .work(work, at: Self.noon)], now: Self.noon)
            try store.append([.event(name: "ready", reason: "temperature", facts: ["a": .real(-0.5)], atMilliseconds: 7)], now: Self.noon)
            try await DatabaseQueue(path: path).write { db in
                try db.execute(sql: "UPDATE sample SET operations = 'many', temperatures = x'00ff', power = 9e999; UPDATE event SET facts = '{', name = x'ff'")
            }
            let report = try store.report(hours: 1, now: Self.noon)
            #expect(report.devices.first?.points.first?.rate == 0)
            #expect(report.lastHour.earned >= 0)
            let events = try store.events(limit: 10)
            #expect(events.count == 1 && events[0].facts == [:] && events[0].reason == "temperature" && events[0].atMilliseconds == 7)
        }
    }
}
