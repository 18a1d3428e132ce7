import Foundation
import Jobs
import Kernels
import Ledger
import MinerNode
import Profiler
import Testing
import Wire

@Suite("What a miner keeps") struct MinerKeepingTests {
    private static func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-keeping-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func outcome(_ machine: Machine = .current()) -> Profiler.Outcome {
        Profiler.Outcome(
            machine: machine, bestBackend: "native", f32FlopsPerSecond: 5e9, memoryBytesPerSecond: nil, tier: .trainer,
            profile: WorkerProfile(
                cpuModel: "test", cores: 2, isa: ["avx2"], memoryBytes: 1 << 30, devices: [WorkerDevice(kind: "cpu", name: "test", memoryBytes: 1 << 30)],
                f32FlopsPerSecond: 5_000_000_000, memoryBytesPerSecond: 0, blasCore: "Haswell", softwareVersion: "0.1.0"))
    }

    @Test("A measurement counts for a week, on the same machine, with the same software") func profile() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = ProfileCache(folder: folder)
        let machine = Machine.current()
        let print = ProfileCache.fingerprint(machine, [PlainBackend()], blasCore: "Haswell", softwareVersion: "1")
        #expect(cache.load(print, machine: machine, now: 1_000) == nil)
        // Free memory changes from one look at the machine to the next.
        let outcome = Self.outcome(machine)
        cache.save(outcome, print, now: 1_000)
        #expect(cache.load(print, machine: machine, now: 1_000) == outcome)
        #expect(ProfileCache(folder: folder).load(print, machine: machine, now: 1_000 + 7 * 86_400) == outcome)
        #expect(cache.load(print, machine: machine, now: 1_001 + 7 * 86_400) == nil, "too old")
        #expect(cache.load(print, machine: machine, now: 999) == nil, "of the future")
        for other in [
            ProfileCache.fingerprint(machine, [PlainBackend()], blasCore: "Zen", softwareVersion: "1"),
            ProfileCache.fingerprint(machine, [PlainBackend()], blasCore: "Haswell", softwareVersion: "2"),
            ProfileCache.fingerprint(machine, [PlainBackend(), ZeroBackend()], blasCore: "Haswell", softwareVersion: "1"),
        ] { #expect(cache.load(other, machine: machine, now: 1_000) == nil) }
    }

    @Test("A torn file, or one that somebody changed, is as good as none") func torn() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cache = ProfileCache(folder: folder)
        let machine = Machine.current()
        let print = ProfileCache.fingerprint(machine, [], blasCore: nil, softwareVersion: "1")
        cache.save(Self.outcome(), print, now: 1_000)
        let path = "\(folder)/profile.json"
        let whole = try #require(FileManager.default.contents(atPath: path))
        for length in stride(from: 0, to: whole.count, by: 7) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(cache.load(print, machine: machine, now: 1_000) == nil, "\(length) bytes")
        }
        let faster = String(decoding: whole, as: UTF8.self).replacingOccurrences(of: "5000000000", with: "9000000000")
        try Data(faster.utf8).write(to: URL(fileURLWithPath: path))
        #expect(cache.load(print, machine: machine, now: 1_000) == nil)
        try whole.write(to: URL(fileURLWithPath: path))
        #expect(cache.load(print, machine: machine, now: 1_000) != nil)
    }

    @Test("Settled receipts are kept up to a bound, those on their way always") func pruning() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try OutboxStore(path: "\(folder)/miner.db")
        let names = Array("0123456789abcdef")
        for (index, name) in names.enumerated() {
            let sample = try MinerOutboxTests.Sample(nonce: name)
            var entry = sample.entry
            if index % 2 == 0 { try entry.apply(.refused(Problem(.leaseExpired, "late"))) }
            try store.save(entry)
        }
        #expect(try store.counts() == ["computed": 8, "rejected": 8])
        try store.prune(keeping: 8)
        #expect(try store.counts() == ["computed": 8, "rejected": 8])
        try store.prune(keeping: 3)
        #expect(try store.counts() == ["computed": 8, "rejected": 3])
        let kept = try store.history(phase: "rejected", limit: 10).map(\.id)
        let newest = try [14, 12, 10].map { try MinerOutboxTests.Sample(nonce: names[$0]).entry.id }
        #expect(kept == newest)
        try store.prune(keeping: 0)
        #expect(try store.counts() == ["computed": 8])
    }

    @Test("Small outputs, times and delays survive the disk; bytes go when they are with the coordinator") func entries() throws {
        let sample = try MinerOutboxTests.Sample()
        let bytes: [UInt8] = Array(0..<16)
        var timeline = Timeline()
        timeline.note(.leased, 5)
        timeline.note(.leased, 9)
        var entry = OutboxEntry(
            lease: sample.lease, result: sample.entry.result,
            outputs: [OutboxEntry.Output(root: sample.entry.outputs[0].root, byteCount: 16, place: .here(bytes))], timeline: timeline)
        let isNew = entry.wait(for: Problem(.unavailable, "not now"), at: 7)
        let isNewAgain = entry.wait(for: Problem(.unavailable, "still not"), at: 8)
        #expect(isNew && !isNewAgain && entry.delay?.since == 7)
        let read = try MinerOutboxTests.reread(entry)
        #expect(read == entry && read.timeline[.leased] == 5)
        try entry.apply(.accepted(try sample.claim()), at: 11)
        #expect(entry.delay == nil && entry.timeline[.signed] == 11)
        #expect(entry.outputs[0].place == .gone)
        #expect(try MinerOutboxTests.reread(entry) == entry)
    }
}
