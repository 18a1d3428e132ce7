import ChainClient
@testable import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Coordinator: blobs")
struct CoordinatorBlobTests {
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 300_000]) func blobsComeBackWithTheirLeaves(_ count: Int) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let client = running.client(try .generate())
            let data = bytes(count)
            let root = TensorRoot.root(of: data)
            #expect(try await !client.hasBlob(root))
            try await client.putBlob(root, BytesSource(data))
            #expect(try await client.hasBlob(root))
            #expect(try await client.blob(root, byteCount: count) == data)
            #expect(try await client.blobLeaves(root, byteCount: count).count == TensorRoot.leafCount(byteCount: count))
            // Again, by somebody else: answered at once.
            try await running.client(try .generate()).putBlob(root, BytesSource(data))
        }
    }

    @Test func manyLeavesComeInPieces() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let client = running.client(try .generate())
            let data = [UInt8](repeating: 3, count: 514 * 65_536 - 1)
            let root = TensorRoot.root(of: data)
            try await client.putBlob(root, BytesSource(data))
            #expect(try await client.blobLeaves(root, byteCount: data.count).count == 514)
        }
    }

    @Test func rangesAreServed() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let data = bytes(100_000)
            let root = TensorRoot.root(of: data)
            try await running.client(try .generate()).putBlob(root, BytesSource(data))
            func get(_ range: String) async throws -> HTTPResponse {
                try await running.harness.http.send(HTTPRequest(.get, running.base, path: "/blobs/\(root.hex)", headers: [("Range", range)]))
            }
            for (range, slice) in [
                ("bytes=0-0", 0..<1), ("bytes=65536-70000", 65_536..<70_001), ("bytes=99999-", 99_999..<100_000), ("bytes=99990-200000", 99_990..<100_000),
                ("bytes=-5", 99_995..<100_000),
            ] {
                let answer = try await get(range)
                #expect(answer.status == 206)
                #expect(answer.body == Array(data[slice]), "\(range)")
                #expect(answer.head["content-range"] == "bytes \(slice.lowerBound)-\(slice.upperBound - 1)/100000")
            }
            for range in ["bytes=100000-", "bytes=-0"] { #expect(try await get(range).status == 416) }
            for range in ["bytes=5-4", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=99999999999999999999-"] {
                #expect(try await get(range).status == 200, "\(range)")
            }
        }
    }

    @Test func bytesThatAreNotTheirAddressesAreNotKept() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let client = running.client(try .generate())
            let data = bytes(200_000)
            let root = TensorRoot.root(of: data)
            for wrong in [Array(data.dropLast()), data + [0], bytes(0), data.map { $0 ^ 1 }] {
                await expectRefusal(.blobMismatch) { try await client.putBlob(root, BytesSource(wrong)) }
            }
            #expect(try await !client.hasBlob(root))
            let incoming = try FileManager.default.contentsOfDirectory(atPath: harness.directory + "/blobs/incoming")
            #expect(incoming.isEmpty)
            await expectRefusal(.badHex) { _ = try await running.harness.http.send(HTTPRequest(.get, running.base, path: "/blobs/XYZ")).checked() }
            await expectRefusal(.badHex) {
                _ = try await running.harness.http.send(HTTPRequest(.get, running.base, path: "/blobs/..%2f..%2fcoordinator.db")).checked()
            }
            await expectRefusal(.unknownBlob) { _ = try await client.blobLeaves(root, byteCount: data.count) }
            // The right bytes are still welcome.
            try await client.putBlob(root, BytesSource(data))
        }
    }

    @Test func uploadsInDropsAreCut() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let client = running.client(try .generate())
            // Far more than the sockets between the two can hold.
            let data = [UInt8](repeating: 7, count: 32 << 20)
            let slow = SlowSource(bytes: data, clock: running.clock)
            await expectRefusal(.timeout) { try await client.putBlob(TensorRoot.root(of: data), slow, patience: .zero) }
            #expect(try await !client.hasBlob(TensorRoot.root(of: data)))
        }
    }

    @Test func sizeAndQuotaAreBounded() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: {
            $0.limits.blobBytes = 100_000
            $0.limits.blobBytesPerKey = 150_000
        }) { running in
            let client = running.client(try .generate())
            func put(_ count: Int, _ client: CoordinatorClient) async throws {
                let data = bytes(count)
                try await client.putBlob(TensorRoot.root(of: data), BytesSource(data))
            }
            await expectRefusal(.payloadTooLarge) { try await put(100_001, client) }
            try await put(100_000, client)
            await expectRefusal(.quotaExceeded) { try await put(50_001, client) }
            try await put(50_000, client)
            try await put(50_001, running.client(try .generate()))
        }
    }

    @Test func unusedBlobsGoAndTheirRoomComesBack() async throws {
        let harness = try CoordinatorHarness()
        let day: Int64 = 86_400_000
        try await harness.run(configure: { $0.limits.blobBytesPerKey = 100_000 }) { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let work = try SampleWork()
            let answer = try await running.buy(work, by: key)
            let unused = bytes(90_000)
            try await client.putBlob(TensorRoot.root(of: unused), BytesSource(unused))
            await expectRefusal(.quotaExceeded) { try await client.putBlob(TensorRoot.root(of: bytes(9000)), BytesSource(bytes(9000))) }
            // Asked for again, it lives on.
            running.clock.advance(day / 2)
            try await client.putBlob(TensorRoot.root(of: unused), BytesSource(unused))
            running.clock.advance(day * 2 / 3)
            try await self.sweep(running)
            #expect(try await client.hasBlob(TensorRoot.root(of: unused)))
            running.clock.advance(day)
            try await running.until("gone") { try await !client.hasBlob(TensorRoot.root(of: unused)) }
            try await client.putBlob(TensorRoot.root(of: bytes(90_000)), BytesSource(bytes(90_000)))

            // What an open job needs stays, and so does its output for a day after the end.
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let signed = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            let output = try #require(try await client.taskResult(answer.taskID).output.outputs.first)
            await running.chain.claim(signed.claim.terms.receiptID)
            try await running.until("claimed") { try await client.task(answer.taskID).claimHeight != nil }
            running.clock.advance(day / 2)
            try await self.sweep(running)
            #expect(try await client.hasBlob(output.root))
            running.clock.advance(day)
            try await running.until("gone") { try await !client.hasBlob(output.root) }
            for input in work.inputs { try await running.until("gone") { try await !client.hasBlob(input.root) } }
        }
    }

    /// Waits until a sweep after this moment has been made: it removes a blob that is due.
    private func sweep(_ running: CoordinatorUnderTest) async throws {
        running.clock.advance(600_000)
        let before = running.clock.ticks
        try await running.until("ticks") { running.clock.ticks > before + 20 }
    }

    @Test func anAcceptedOutputIsNotItsWorkersBurden() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.blobBytesPerKey = 6000 }) { running in
            let worker = try await running.worker()
            for seed in ["1", "2", "3"] {
                let work = try SampleWork(seed: seed)
                _ = try await running.buy(work, by: try .generate())
                let lease = try await worker.lease()
                // 4,800 bytes each.
                _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            }
        }
    }

    @Test func theStoreSyncsEveryCommit() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "adit-store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for _ in 0..<2 { #expect(try SQLiteJobStore(path: directory + "/coordinator.db").synchronousMode() == 2) }
    }
}

/// Bytes whose second half takes a day of the test's clock for each piece.
private struct SlowSource: UploadSource {
    let bytes: [UInt8]
    let clock: CoordinatorTestClock

    var byteCount: Int { bytes.count }

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        if offset > bytes.count / 2 { clock.advance(100_000_000) }
        return try unsafe BytesSource(bytes).read(at: offset, into: target)
    }
}
