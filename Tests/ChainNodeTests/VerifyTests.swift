import ChainNode
import Foundation
import HTTPServing
import Ledger
import Signing
import Testing
import Wire

/// Executing a stored chain again: what is sound passes, and nothing altered does.
struct VerifyTests {
    let folder: TemporaryFolder
    let chain: SimulatedChain
    private static let start: Int64 = 1_700_000_000

    init() async throws {
        folder = try TemporaryFolder()
        chain = try SimulatedChain(chain: ChainID("ait-test-v"), start: Self.start)
        let store = try SQLiteChainStore(path: folder.database)
        try await chain.fill(store, blocks: 6, jobs: 2)
    }

    private func verify(genesis: Genesis? = nil, now: Int64 = Self.start + 100) async throws -> ChainFindings {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let opened = Result { try SQLiteChainStore(reading: folder.database) }
            guard case .failure(let error) = opened, (error as? Problem)?.code == .unavailable else {
                return try await ChainVerifier(opened.get()).run(genesis: genesis, now: now)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Problem(.unavailable, "the store's last user never left")
    }

    private func fault(now: Int64 = Self.start + 100) async throws -> ChainFault? {
        do {
            _ = try await verify(now: now)
            return nil
        } catch let fault as ChainFault {
            return fault
        }
    }

    @Test func aSoundChainPassesUnchanged() async throws {
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let found = try await verify(genesis: chain.genesis)
        #expect(found.height == 6 && found.transactions == 22 && found.failed == 0 && found.claims == 10 && found.refunds == 0)
        #expect(found.minted > 0 && found.supply == found.genesisSupply + found.minted - found.burned)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
        // The node goes on from it.
        let node = try await ChainNode.open(
            store: SQLiteChainStore.reopened(folder.database), genesis: chain.genesis, clock: ManualClock(Self.start + 7), registry: PrometheusRegistry())
        #expect(await node.snapshot().head.header.height == 6)
    }

    @Test func aStoreInUseIsLeftAlone() async throws {
        let store = try await SQLiteChainStore.reopened(folder.database)
        #expect { try SQLiteChainStore(reading: folder.database) } throws: { ($0 as? Problem)?.code == .unavailable }
        _ = try await store.head()
        #expect { try SQLiteChainStore(reading: folder.path + "/nothing.db") } throws: { ($0 as? Problem)?.code == .notFound }
    }

    /// Each alteration, the block it is found in (nil: after all blocks) and its code.
    static let alterations: [(sql: String, height: Int64?, code: Problem.Code)] = [
        ("UPDATE blocks SET body = replace(body, '\"height\":3', '\"height\":4') WHERE height = 3", 3, .badBlock),
        ("UPDATE blocks SET body = json_set(body, '$.timestamp', 1700000004) WHERE height = 3", 3, .badBlock),
        ("UPDATE blocks SET body = json_set(body, '$.sig', replace(json_extract(body, '$.sig'), 'a', 'b')) WHERE height = 3", 3, .badSignature),
        ("UPDATE blocks SET body = (SELECT body FROM blocks WHERE height = 2) WHERE height = 3", 3, .wrongHeight),
        ("UPDATE blocks SET hash = zeroblob(32) WHERE height = 3", 3, .badBlock),
        ("UPDATE blocks SET body = '{' WHERE height = 3", 3, .badJSON),
        ("UPDATE transactions SET body = json_set(body, '$.fee', 11) WHERE height = 3 AND position = 0", 3, .wrongTxRoot),
        ("UPDATE transactions SET body = replace(body, '\"price\":50', '\"price\":51') WHERE height = 3 AND position = 2", 3, .wrongTxRoot),
        (
            "UPDATE transactions SET body = json_set(body, '$.sig', replace(json_extract(body, '$.sig'), 'a', 'b')) WHERE height = 3 AND position = 0", 3,
            .badSignature
        ),
        ("UPDATE transactions SET error = 'nonce_gap' WHERE height = 3 AND position = 1", 3, .badBlock),
        ("UPDATE transactions SET hash = zeroblob(32) WHERE height = 3 AND position = 1", 3, .badBlock),
        ("DELETE FROM transactions WHERE height = 3 AND position = 3", 3, .wrongTxRoot),
        ("UPDATE transactions SET position = 9 WHERE height = 3 AND position = 0", 3, .wrongTxRoot),
        ("DELETE FROM transactions WHERE height = 3; DELETE FROM blocks WHERE height = 3", 3, .badBlock),
        (
            "UPDATE records SET value = json_set(value, '$.balance', 1) WHERE kind = 'account' AND name = (SELECT min(name) FROM records WHERE kind = 'account')",
            nil, .wrongStateRoot
        ),
        ("DELETE FROM records WHERE kind = 'receipt' AND name = (SELECT min(name) FROM records WHERE kind = 'receipt')", nil, .wrongStateRoot),
        ("UPDATE records SET value = '1' WHERE kind = 'param' AND name = 'base_fee'", nil, .wrongStateRoot),
        ("INSERT INTO records (kind, name, value) VALUES ('meta', 'gift', '5')", nil, .wrongStateRoot),
        ("UPDATE identity SET value = json_set(value, '$.timestamp', 1) WHERE key = 'genesis'", 0, .badBlock),
        ("UPDATE identity SET value = 'x' WHERE key = 'genesis'", nil, .badJSON),
    ]

    @Test(arguments: Self.alterations.indices)
    func nothingAlteredPasses(index: Int) async throws {
        let (sql, height, code) = Self.alterations[index]
        _ = try await verify()
        try TamperedFile(folder.database).run(sql)
        let fault = try #require(try await fault(), "\(sql) went unseen")
        #expect(fault.height == height && fault.problem.code == code, "\(sql): \(fault)")
    }

    @Test func aBlockFromTheFutureAndAnotherGenesisAreRefused() async throws {
        #expect(try await fault(now: Self.start + 3)?.problem.code == .badTimestamp)
        let other = try SimulatedChain(chain: ChainID("ait-test-w"), start: Self.start).genesis
        await #expect { _ = try await verify(genesis: other) } throws: { ($0 as? ChainFault)?.problem.code == .wrongChain }
    }

    /// Bytes of the file itself, here and there: a damaged page is found too, or the alteration touched nothing that counts.
    @Test func flippedBytesOfTheFileNeverChangeTheFindings() async throws {
        let sound = try await verify()
        let url = URL(fileURLWithPath: folder.database)
        let good = try Data(contentsOf: url)
        var found = 0
        for step in 0..<40 {
            var bad = good
            let place = (step * 2_654_435_761) % good.count
            bad[place] ^= 0x41
            try bad.write(to: url)
            do {
                let findings = try await verify()
                #expect(findings == sound, "byte \(place) changed what was found")
            } catch {
                found += 1
            }
        }
        #expect(found > 10, "\(found) of 40")
    }
}
