import Foundation
import GRDB
import Jobs
import Ledger
import MinerNode
import Testing
import Wire

@Suite("The miner's outbox on disk") struct MinerOutboxStoreTests {
    private typealias Sample = MinerOutboxTests.Sample

    private static func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-outbox-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body("\(folder)/miner.db")
    }

    /// An entry of a small output, which has no file.
    private static func small(_ sample: Sample) -> OutboxEntry {
        OutboxEntry(
            lease: sample.lease, result: sample.entry.result,
            outputs: [OutboxEntry.Output(root: sample.entry.outputs[0].root, byteCount: 16, place: .here(Array(16..<32)))])
    }

    /// An entry in each phase, each of another receipt.
    private static func allPhases() throws -> [OutboxEntry] {
        try OutboxEntry.Phase.names.enumerated().map { index, name in
            let sample = try Sample(nonce: Character(String(index)))
            var entry = small(sample)
            entry.note(.leased, at: 3)
            if name == "rejected" { try entry.apply(.refused(Problem(.leaseExpired, "late"))) }
            guard ["attested", "claiming", "paid"].contains(name) else { return entry }
            let claim = try sample.claim()
            try entry.apply(.accepted(claim), at: 5)
            if name != "attested" { try entry.apply(.prepared(sample.transaction(claim, nonce: 7))) }
            if name == "paid" { try entry.apply(.settled(height: 12), at: 6) }
            #expect(entry.phase.name == name)
            return entry
        }
    }

    @Test("What became of known entries is there after a restart, and their bytes go with the coordinator's word") func steps() async throws {
        try await Self.inFolder { path in
            let sample = try Sample()
            var entry = Self.small(sample)
            var other = Self.small(try Sample(nonce: "2"))
            func reread() throws -> OutboxEntry? { try OutboxStore(path: path).entry(entry.id) }
            do {
                let store = try OutboxStore(path: path)
                try await store.add(entry)
                try await store.add(other)
            }
            #expect(try reread() == entry, "with its bytes")
            let claim = try sample.claim()
            let steps: [OutboxEntry.Event?] = [nil, .accepted(claim), .prepared(sample.transaction(claim)), .unprepared, .prepared(sample.transaction(claim))]
            for step in steps {
                if let step { try entry.apply(step, at: 4) } else { entry.wait(for: Problem(.unavailable, "later"), at: 2) }
                try await OutboxStore(path: path).keep([entry])
                #expect(try reread() == entry)
            }
            try other.apply(.refused(Problem(.leaseExpired, "late")))
            try entry.apply(.settled(height: 3), at: 8)
            try await OutboxStore(path: path).keep([entry, other])
            #expect(try reread() == entry)
            let file = try DatabaseQueue(path: path)
            #expect(try await file.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_output") } == 0)
            #expect(try await file.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_document") } == 2)
            try OutboxStore(path: path).prune(keeping: 0)
            #expect(try await file.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM outbox_document") } == 0)
        }
    }

    @Test("A step of an entry that is not there is refused, and with it those it came with") func unknown() async throws {
        try await Self.inFolder { path in
            let store = try OutboxStore(path: path)
            let known = try Sample()
            try await store.add(known.entry)
            var next = known.entry
            try next.apply(.accepted(try known.claim()))
            let stranger = try Sample(nonce: "2").entry
            await #expect { try await store.keep([next, stranger]) } throws: { ($0 as? Problem)?.code == .ioFailed }
            #expect(try store.entry(next.id) == known.entry, "all or none")
        }
    }

    @Test("Written anew, an entry is whole again: of a lease that was done twice the later result counts") func again() async throws {
        try await Self.inFolder { path in
            let store = try OutboxStore(path: path)
            let sample = try Sample()
            var entry = Self.small(sample)
            try await store.add(entry)
            try entry.apply(.accepted(try sample.claim()))
            try await store.keep([entry])
            try await store.add(Self.small(sample))
            #expect(try store.entry(entry.id) == Self.small(sample))
            #expect(try store.counts() == ["computed": 1])
        }
    }

    @Test("A file of the version before opens, in every phase, and goes on") func versionBefore() async throws {
        try await Self.inFolder { path in
            let entries = try Self.allPhases()
            let old = try DatabaseQueue(path: path)
            try await old.write { db in
                try db.execute(
                    sql: "CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, receipt TEXT NOT NULL UNIQUE, phase TEXT NOT NULL, document BLOB NOT NULL)")
                try db.execute(sql: "CREATE INDEX outbox_phase ON outbox (phase, sequence)")
                for entry in entries {
                    try db.execute(
                        sql: "INSERT INTO outbox (receipt, phase, document) VALUES (?, ?, ?)",
                        arguments: [entry.id.text, entry.phase.name, Data(entry.version1.canonicalBytes)])
                }
            }
            try old.close()
            #expect(try OutboxStore(path: path).history(limit: 10).reversed() == entries)
            // Each takes its next step, and is read from both parts then.
            var next = entries
            for index in next.indices {
                switch next[index].step {
                case .deliver: try next[index].apply(.accepted(try Sample(nonce: Character(String(index))).claim()), at: 20)
                case .prepareClaim, .followClaim: try next[index].apply(.settled(height: 21), at: 22)
                case .nothing: break
                }
            }
            try await OutboxStore(path: path).keep(next)
            #expect(try OutboxStore(path: path).history(limit: 10).reversed() == next)
        }
    }
}

extension OutboxEntry {
    /// As an entry was written before what changes was kept apart.
    fileprivate var version1: JSON {
        var members = (document.objectValue?.members ?? []).map { ($0.key, $0.value) }.filter { $0.0 != "version" && $0.0 != "outputs" }
        members += [("version", 1), ("phase", .string(phase.name)), ("times", timeline.json)]
        let outputs = outputs.enumerated().map { position, output -> JSON in
            var members: [(String, JSON)] = [("root", .string(output.root.hex)), ("bytes", .integer(Int64(output.byteCount)))]
            if let file = output.file { members.append(("file", .string(file))) }
            if let bytes = bytesHere[position] { members.append(("data", .string(Base64.encode(bytes)))) }
            return .object(JSONObject(distinct: members))
        }
        members.append(("outputs", .array(outputs)))
        switch phase {
        case .computed: break
        case .attested(let claim): members.append(("claim", claim.json))
        case .claiming(let claim, let transaction): members += [("claim", claim.json), ("tx", transaction.json)]
        case .paid(let claim, let height): members += [("claim", claim.json), ("height", .integer(height))]
        case .rejected(let problem): members += [("code", .string(problem.code.rawValue)), ("detail", .string(problem.detail))]
        }
        return .object(JSONObject(distinct: members))
    }
}
