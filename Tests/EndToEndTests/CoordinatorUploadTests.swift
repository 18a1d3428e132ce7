import ChainClient
@testable import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: uploads that are cut and go on")
struct CoordinatorUploadTests {
    private static let leaf = TensorRoot.leafSize

    @Test func piecesMakeABlob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let data = UploadSample.bytes(5 * Self.leaf + 77)
            #expect(try await running.declare(key, data) == 0)
            #expect(try await running.send(key, data, 0..<2 * Self.leaf)["received"] == .integer(Int64(2 * Self.leaf)))
            #expect(try await running.declare(key, data) == Int64(2 * Self.leaf))
            #expect(try await !running.client(key).hasBlob(TensorRoot.root(of: data)))
            for wrong in [0..<Self.leaf, Self.leaf..<3 * Self.leaf, 3 * Self.leaf..<data.count] {
                await expectRefusal(.blobIncomplete, "\(wrong)") { _ = try await running.send(key, data, wrong) }
            }
            #expect(try await running.send(key, data, 2 * Self.leaf..<data.count)["status"] == "stored")
            #expect(try await running.client(key).blob(TensorRoot.root(of: data), byteCount: data.count) == data)
            #expect(try await running.client(key).blobLeaves(TensorRoot.root(of: data), byteCount: data.count).count == 6)
            // All is here: for whoever says the same leaves.
            #expect(try await running.declare(try .generate(), data) == Int64(data.count))
        }
    }

    @Test func aWrongLeafIsRefusedAtItsPlaceAndTheRestStays() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let data = UploadSample.bytes(40 * Self.leaf + 5)
            _ = try await running.declare(key, data)
            var forged = data
            forged[20 * Self.leaf + 9] ^= 1
            do {
                _ = try await running.send(key, data, 0..<data.count, sent: forged)
                Issue.record("a wrong leaf was taken")
            } catch let problem as Problem {
                #expect(problem.code == .blobMismatch && problem.detail.contains("leaf 20, at byte \(20 * Self.leaf)"))
            }
            #expect(try await running.declare(key, data) == Int64(20 * Self.leaf))
            #expect(try await running.send(key, data, 20 * Self.leaf..<data.count)["status"] == "stored")
        }
    }

    @Test func whatArrivedSurvivesARestartAndIsHashedAnew() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let data = UploadSample.bytes(12 * Self.leaf)
        let root = TensorRoot.root(of: data)
        try await harness.run { running in
            _ = try await running.declare(key, data)
            _ = try await running.send(key, data, 0..<8 * Self.leaf)
        }
        // Not all that was written need be on the disk, and what is there need not be right.
        let path = harness.directory + "/blobs/partial/\(root.hex).\(key.address)"
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: UInt64(5 * Self.leaf + 1))
        try handle.write(contentsOf: [9])
        try handle.close()
        try await harness.run { running in
            await expectRefusal(.blobIncomplete) { _ = try await running.send(key, data, 8 * Self.leaf..<data.count) }
            let right = try await running.declare(key, data)
            #expect(right == Int64(5 * Self.leaf))
            let answer = try await running.send(key, data, 5 * Self.leaf..<data.count)
            #expect(answer["status"] == "stored")
            #expect(try await running.client(key).blob(root, byteCount: data.count) == data)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func aWrongTotalIsFoundAtTheLastLeafAndCanBePutRight() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let data = UploadSample.bytes(4 * Self.leaf + 100)
            let root = TensorRoot.root(of: data)
            // As many leaves, one byte less: only the last leaf's hash can tell.
            let short = data.count - 1
            _ = try await running.put(key, "/blobs/\(root.hex)/leaves", query: "?bytes=\(short)", UploadSample.leaves(data))
            await expectRefusal(.blobMismatch) {
                _ = try await running.put(key, "/blobs/\(root.hex)", Array(data.dropLast()), range: "bytes 0-\(short - 1)/\(short)")
            }
            let received = try await running.declare(key, data)
            #expect(received == Int64(4 * Self.leaf))
            let answer = try await running.send(key, data, 4 * Self.leaf..<data.count)
            #expect(answer["status"] == "stored")
        }
    }

    /// The client's own way: the whole at once, cut several times.
    @Test func theClientGoesOnByItself() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let data = UploadSample.bytes(20 << 20)
            let source = CutSource(bytes: data, cuts: [9 << 20, 13 << 20, 19 << 20])
            let client = running.client(try .generate())
            try await client.putBlob(TensorRoot.root(of: data), source)
            #expect(source.isSpent)
            #expect(try await client.blob(TensorRoot.root(of: data), byteCount: data.count) == data)
            // What arrived was not sent again: under twice the blob in all.
            #expect(source.sent < data.count * 2)
        }
    }

    @Test func unfinishedUploadsCountAndExpire() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let (first, second) = (UploadSample.bytes(10 * Self.leaf), UploadSample.bytes(11 * Self.leaf))
        let limits: (inout CoordinatorConfiguration) -> Void = { $0.limits.blobBytesPerKey = 15 * TensorRoot.leafSize }
        try await harness.run(configure: limits) { running in
            _ = try await running.declare(key, first)
            await expectRefusal(.quotaExceeded) { _ = try await running.declare(key, second) }
            // Another key's room, and its upload of the same blob, are its own.
            let other = try PrivateKey.generate()
            #expect(try await running.declare(other, first) == 0)
            _ = try await running.send(key, first, 0..<Self.leaf)
            #expect(try await running.declare(other, first) == 0)
        }
        try await harness.run(configure: limits) { running in
            await expectRefusal(.quotaExceeded) { _ = try await running.declare(key, second) }
            running.clock.advance(21_600_001)
            try await running.until("expired") {
                do {
                    return try await running.declare(key, second) == 0
                } catch let problem as Problem where problem.code == .quotaExceeded {
                    running.clock.advance(600_000)
                    return false
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: harness.directory + "/blobs/partial").count == 1)
        }
    }

    @Test func whatMakesNoSenseIsRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let data = UploadSample.bytes(3 * Self.leaf)
            let path = "/blobs/\(TensorRoot.root(of: data).hex)"
            let hashes = UploadSample.leaves(data)
            for query in ["", "?bytes=x", "?bytes=-1", "?bytes=0", "?bytes=65536"] {
                await expectRefusal(.badRequest, "\(query)") { _ = try await running.put(key, path + "/leaves", query: query, hashes) }
            }
            await expectRefusal(.payloadTooLarge) { _ = try await running.put(key, path + "/leaves", query: "?bytes=99999999999999", hashes) }
            for wrong in [Array(hashes.dropLast()), Array(hashes.dropLast(32)), hashes.map { $0 ^ 1 }, []] {
                await expectRefusal(.blobMismatch) { _ = try await running.put(key, path + "/leaves", query: "?bytes=\(data.count)", wrong) }
            }
            await expectRefusal(.payloadTooLarge) { _ = try await running.put(key, path + "/leaves", query: "?bytes=\(data.count)", hashes + [0]) }
            await expectRefusal(.blobIncomplete, "no leaves were said") { _ = try await running.send(key, data, 0..<data.count) }
            _ = try await running.declare(key, data)
            for range in [
                "bytes 0-1", "bytes 0-65534/196608", "bytes 1-65535/196608", "bytes 5-4/196608", "bytes 0-196608/196608", "0-65535/196608", "bytes */1",
            ] {
                await expectRefusal(.badRequest, "\(range)") { _ = try await running.put(key, path, data, range: range) }
            }
            await expectRefusal(.blobIncomplete, "another size") {
                _ = try await running.put(key, path, Array(data[..<Self.leaf]), range: "bytes 0-65535/131072")
            }
            await expectRefusal(.unauthorized) {
                _ = try await harness.http.send(HTTPRequest(.put, running.base, path: path + "/leaves", query: "?bytes=9", body: BytesSource(hashes))).checked()
            }
        }
    }
}
