import ChainNode
import Foundation
import HTTPServing
import Ledger
import Signing
import Testing
import Wire

/// What is on disk decides: a node goes on where it was, or refuses to start and says why.
struct RestartTests {
    let chain: TestChain
    let folder: TemporaryFolder

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    /// Opens the chain on this file without listeners.
    private func open(
        _ store: any ChainStore, genesis: Genesis?, environment: [String: String] = [:], clock: ManualClock = ManualClock(TestChain.start)
    ) async throws(Problem) -> ChainNode {
        try await ChainNode.open(store: store, genesis: genesis, environment: environment, clock: clock, registry: PrometheusRegistry())
    }

    /// Makes a chain of a few blocks with a transfer in it.
    private func fill() async throws {
        let store = try await SQLiteChainStore.reopened(folder.database)
        let clock = ManualClock(TestChain.start)
        let node = try await open(store, genesis: chain.genesis, clock: clock)
        _ = try await node.submit(chain.transfer(77, to: chain.miner.address, nonce: 1))
        for _ in 1...3 {
            clock.set(clock.now() + TestChain.interval)
            try await node.produce(with: chain.authority)
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> Problem.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    /// Who may read them must not hang on the umask of whoever starts the node.
    @Test func theStoreIsItsOwnersAlone() async throws {
        try await fill()
        let store = try await SQLiteChainStore.reopened(folder.database)
        let folder = URL(filePath: folder.database).deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 3)
        for file in files {
            #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int == 0o600, "\(file.lastPathComponent)")
        }
        #expect(try await store.identity() != nil)
    }

    @Test func theChainGoesOnFromDisk() async throws {
        var head: JSON = .null
        let first = try await RunningNode.run(chain, at: folder.database) { node async throws in
            try await node.submit(try chain.transfer(77, to: chain.miner.address, nonce: 1))
            for _ in 1...3 { await node.block() }
            head = try await node.get("/rpc/getHead")
        }
        // Well under a second by itself.
        #expect(first < .seconds(15))
        try await RunningNode.run(chain, at: folder.database, now: TestChain.start + 6, change: { $0.genesis = nil }) { node async throws in
            #expect(try await node.get("/rpc/getHead") == head)
            #expect(try await node.balance(chain.miner.address) == 77)
            #expect(try await node.get("/rpc/getTx/\(chain.transfer(77, to: chain.miner.address, nonce: 1).hash(on: chain.chain))")["status"] == "confirmed")
            try await node.submit(try chain.transfer(3, to: chain.miner.address, nonce: 2))
            await node.block()
            #expect(try await node.height() == 4)
            #expect(try await node.get("/rpc/getBlock/4")["parent"] == head["hash"])
            #expect(try await node.balance(chain.miner.address) == 80)
        }
    }

    @Test func aStopIsQuickWithIdleAndHalfSentConnections() async throws {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        let stop = try await RunningNode.run(chain, at: folder.database) { node async throws in
            await node.block()
            for text in ["", "POST /rpc/sendTx HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "GET /rpc/getHead HTTP/1.1\r\nHost: x\r\n\r\n"] {
                let socket = try RawExchange.connect(node.ports.rpc)
                sockets.append(socket)
                let bytes = Array(text.utf8)
                _ = unsafe bytes.withUnsafeBytes { unsafe write(socket, $0.baseAddress, $0.count) }
            }
            // The half-sent request is in the handler once a later one on another connection is answered.
            #expect(try await node.height() == 1)
        }
        // A second by itself; the rest is room for the other tests on the same cores. Waiting for the half-sent body would take longer.
        #expect(stop < .seconds(15))
    }

    @Test func aChangedRecordIsNoticed() async throws {
        try await fill()
        try TamperedFile(folder.database).run("UPDATE records SET value = replace(value, '\"balance\":77', '\"balance\":78') WHERE kind = 'account'")
        #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: chain.genesis) } == .supplyBroken)
        // A sum that still holds doesn't help either.
        try TamperedFile(folder.database).run(
            "UPDATE records SET value = replace(value, '\"balance\":5000000', '\"balance\":4999999') WHERE kind = 'account'")
        #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: chain.genesis) } == .wrongStateRoot)
    }

    @Test func aLostRecordOrBlockIsNoticed() async throws {
        try await fill()
        let database = folder.database
        try FileManager.default.copyItem(atPath: database, toPath: database + ".copy")
        try TamperedFile(database).run("DELETE FROM transactions; DELETE FROM blocks WHERE height > 0")
        #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(database), genesis: chain.genesis) } == .wrongStateRoot)
        try TamperedFile(database + ".copy").run("DELETE FROM records WHERE kind = 'param' AND name = 'base_fee'")
        #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(database + ".copy"), genesis: chain.genesis) } == .badParams)
    }

    @Test func anotherGenesisIsRefused() async throws {
        try await fill()
        for other in [try TestChain(chain: "ait-other"), try TestChain(clientBalance: 5)] {
            #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: other.genesis) } == .wrongChain)
        }
        #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.path + "/fresh.db"), genesis: nil) } == .badParams)
    }

    @Test func anEnvironmentThatDisagreesIsRefused() async throws {
        try await fill()
        for environment in [
            ["MINT_PER_UNIT": "1001"], ["COORDINATOR_RATIO": "0.0501"], ["MINT_PER_UNIT": "many"], ["COORDINATOR_RATIO": "5%"], ["COORDINATOR_RATIO": "1.5"],
        ] {
            let code = await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: nil, environment: environment) }
            #expect(code == .badParams || code == .outOfRange, "\(environment)")
        }
        for environment in [["MINT_PER_UNIT": "1000", "COORDINATOR_RATIO": "0.05"], ["COORDINATOR_RATIO": "0.0500"], ["MINT_PER_UNIT": ""]] {
            #expect(await refusal { _ = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: nil, environment: environment) } == nil)
        }
    }

    @Test func aSecondNodeOnTheSameStoreIsRefused() async throws {
        let store = try SQLiteChainStore(path: folder.database)
        #expect(await refusal { _ = try SQLiteChainStore(path: folder.database) } == .unavailable)
        #expect(try await store.head() == nil)
    }

    @Test func aFileThatIsNoStoreIsRefused() async throws {
        try Data("this is not a database, and long enough to be looked at as one".utf8).write(to: URL(fileURLWithPath: folder.database))
        #expect(await refusal { _ = try SQLiteChainStore(path: folder.database) } == .ioFailed)
    }

    @Test(arguments: [FailingStore.Point.beforeMark, .afterMark, .beforeBlock])
    func noSecondBlockIsSignedAtAHeight(point: FailingStore.Point) async throws {
        let clock = ManualClock(TestChain.start + TestChain.interval)
        var marked: SigningMark?
        do {
            let store = FailingStore(try await SQLiteChainStore.reopened(folder.database), at: point)
            let node = try await open(store, genesis: chain.genesis, clock: clock)
            _ = try await node.submit(chain.transfer(5, to: chain.miner.address, nonce: 1))
            #expect(await refusal { try await node.produce(with: chain.authority) } == .ioFailed)
            #expect(await node.snapshot().head.header.height == 0, "nothing changes in memory before the disk has it")
            marked = try await store.signingMark()
        }
        #expect((marked == nil) == (point == .beforeMark))
        // Later, with another transaction and another time: the height was signed, so only that very block may come.
        clock.set(TestChain.start + 5 * TestChain.interval)
        let node = try await open(try await SQLiteChainStore.reopened(folder.database), genesis: chain.genesis, clock: clock)
        _ = try await node.submit(chain.transfer(6, to: chain.coordinator.address, nonce: 1))
        let block = try await node.produce(with: chain.authority)
        #expect(block.header.height == 1)
        if let marked {
            #expect(block.header == marked.header)
            #expect(block.transactions == marked.transactions.map { $0.hash(on: chain.chain) })
        } else {
            #expect(block.header.timestamp == clock.now())
        }
        #expect(try await node.produceNext(clock, chain).header.height == 2)
    }

    @Test(arguments: [FailingStore.Point.beforeMark, .afterMark, .beforeBlock, .afterBlock])
    func aDiskThatFailsOnceIsTriedAgain(point: FailingStore.Point) async throws {
        let clock = ManualClock(TestChain.start + TestChain.interval)
        let store = FailingStore(try await SQLiteChainStore.reopened(folder.database), at: point)
        let node = try await open(store, genesis: chain.genesis, clock: clock)
        _ = try await node.submit(chain.transfer(5, to: chain.miner.address, nonce: 1))
        let failed = await refusal { try await node.produce(with: chain.authority) }
        #expect(failed == (point == .afterBlock ? nil : .ioFailed))
        let marked = try await store.signingMark()
        while await node.snapshot().head.header.height < 2 { _ = try await node.produceNext(clock, chain) }
        let first = try #require(try await store.block(height: 1))
        if let marked { #expect(first.header == marked.header, "the block that was to be signed, and no other") }
        #expect(await node.snapshot().state.account(chain.miner.address).balance == 5)
        #expect(await node.pendingCount == 0)
    }
}

extension ChainNode {
    fileprivate func produceNext(_ clock: ManualClock, _ chain: TestChain) async throws -> Block {
        clock.set(clock.now() + TestChain.interval)
        return try await produce(with: chain.authority)
    }
}
