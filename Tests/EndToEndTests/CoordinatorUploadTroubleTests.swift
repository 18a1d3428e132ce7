import ChainClient
@testable import Coordinator
import Foundation
import Signing
import Testing
import Wire

@Suite("Coordinator: uploads in trouble")
struct CoordinatorUploadTroubleTests {
    private static let leaf = TensorRoot.leafSize
    /// Even small uploads stay.
    private static let resumable: @Sendable (inout CoordinatorConfiguration) -> Void = { $0.limits.resumableBytes = TensorRoot.leafSize + 1 }
    /// The same past the page cache.
    private static let direct: @Sendable (inout CoordinatorConfiguration) -> Void = {
        resumable(&$0)
        $0.limits.directBytes = 0
    }

    /// Says the leaves as soon as the cut connection was noticed.
    private func declared(_ running: CoordinatorUnderTest, _ key: PrivateKey, _ data: [UInt8]) async throws -> Int64? {
        var received: Int64?
        try await running.until("the old connection is gone") {
            do {
                received = try await running.declare(key, data)
                return true
            } catch let problem as Problem where problem.code == .unavailable {
                return false
            }
        }
        return received
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 524_287, 524_288, 524_289, 1_000_000, 1_310_719])
    func everyWholeLeafStaysWhereverTheCutIs(_ cut: Int) async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let data = UploadSample.bytes(20 * Self.leaf)
        let way = cut.isMultiple(of: 2) ? Self.direct : Self.resumable
        try await harness.run(configure: way) { running in
            let whole = Int64(cut / Self.leaf * Self.leaf)
            // Without the leaves said first, and with them.
            try RawUpload(running, key, data).send(to: cut)
            try await running.until("begun") { try running.partialFiles().count == 1 }
            let after = try await self.declared(running, key, data)
            #expect(after == whole)
            let more = min(data.count - 1, Int(whole) + cut)
            try RawUpload(running, key, data, from: Int(whole)).send(to: more)
            let file = harness.directory + "/blobs/partial/" + UploadKey(root: TensorRoot.root(of: data), owner: key.address).fileName
            // To ask earlier would be to take the place of what still comes.
            try await running.until("taken") { try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int == more / Self.leaf * Self.leaf }
            let then = try await self.declared(running, key, data)
            #expect(then == Int64(more / Self.leaf * Self.leaf))
        }
        // The same after a restart.
        try await harness.run(configure: way) { running in
            let received = Int(try #require(try await running.declare(key, data)))
            #expect(received >= cut / Self.leaf * Self.leaf && received < data.count)
            let answer = try await running.send(key, data, received..<data.count)
            #expect(answer["status"] == "stored")
            let back = try await running.client(key).blob(TensorRoot.root(of: data), byteCount: data.count)
            #expect(back == data)
            #expect(try running.partialFiles().isEmpty)
        }
    }

    @Test func twoUploadersOfOneBlob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: {
            Self.resumable(&$0)
            $0.limits.blobBytesPerKey = 25 * TensorRoot.leafSize
        }) { running in
            let (one, other) = (try PrivateKey.generate(), try PrivateKey.generate())
            let data = UploadSample.bytes(20 * Self.leaf)
            let root = TensorRoot.root(of: data)
            let slow = try RawUpload(running, one, data)
            try slow.send(to: 10 * Self.leaf)
            try await running.until("begun") { try running.partialFiles().count == 1 }
            // The same key's second one waits its turn; another key has its own.
            await expectRefusal(.unavailable) { try await running.client(one).putBlob(root, BytesSource(data), patience: .zero) }
            await expectRefusal(.unavailable) { _ = try await running.declare(one, data) }
            try await running.client(other).putBlob(root, BytesSource(data), patience: .zero)
            // The first comes to its end all the same, and counts for nobody twice.
            try slow.send(to: data.count)
            let answer = try await slow.answer()
            #expect(answer == "HTTP/1.1 201 Created")
            #expect(try running.partialFiles().isEmpty)
            let more = UploadSample.bytes(25 * Self.leaf)
            try await running.client(one).putBlob(TensorRoot.root(of: more), BytesSource(more), patience: .zero)
            await expectRefusal(.quotaExceeded) { _ = try await running.declare(other, UploadSample.bytes(6 * Self.leaf)) }
        }
    }

    @Test func whatSomebodyElseFinishedIsDropped() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.blobBytesPerKey = 25 * TensorRoot.leafSize }) { running in
            let (one, other) = (try PrivateKey.generate(), try PrivateKey.generate())
            let data = UploadSample.bytes(20 * Self.leaf)
            _ = try await running.declare(one, data)
            _ = try await running.send(one, data, 0..<Self.leaf)
            try await running.client(other).putBlob(TensorRoot.root(of: data), BytesSource(data))
            let received = try await running.declare(one, data)
            #expect(received == Int64(data.count))
            #expect(try running.partialFiles().isEmpty)
            let more = try await running.declare(one, UploadSample.bytes(25 * Self.leaf))
            #expect(more == 0)
        }
    }

    @Test func aWrongWholeBodyLeavesNothing() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: {
            Self.resumable(&$0)
            $0.limits.blobBytesPerKey = 20 * TensorRoot.leafSize
        }) { running in
            let key = try PrivateKey.generate()
            let data = UploadSample.bytes(20 * Self.leaf)
            var wrong = data
            wrong[7] ^= 1
            await expectRefusal(.blobMismatch) { try await running.client(key).putBlob(TensorRoot.root(of: data), BytesSource(wrong)) }
            #expect(try running.partialFiles().isEmpty)
            try await running.client(key).putBlob(TensorRoot.root(of: data), BytesSource(data))
        }
    }

    @Test func aDiskThatFailsOrIsFullGetsItsRoomBack() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let data = UploadSample.bytes(20 * Self.leaf)
        let folder = harness.directory + "/blobs/partial/"
        try await harness.run(configure: { $0.limits.blobBytesPerKey = 20 * TensorRoot.leafSize }) { running in
            // A file that can't be synced, nor written: what a broken disk looks like from here.
            let name = folder + UploadKey(root: TensorRoot.root(of: data), owner: key.address).fileName
            try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: "/dev/full")
            await expectRefusal(.ioFailed) { _ = try await running.declare(key, data) }
            #expect(try running.partialFiles().isEmpty)
            // Nothing counts for the key, and it may begin anew.
            let received = try await running.declare(key, data)
            #expect(received == 0)
            let answer = try await running.send(key, data, 0..<data.count)
            #expect(answer["status"] == "stored")
        }
        try await harness.run(configure: { $0.limits.diskReserveBytes = .max / 2 }) { running in
            let other = UploadSample.bytes(30 * Self.leaf)
            await expectRefusal(.quotaExceeded) { _ = try await running.declare(key, other) }
            let files = try running.partialFiles()
            #expect(files.isEmpty)
        }
    }

    /// Each upload that is not finished keeps a row and a file.
    @Test func aKeyMayLeaveOnlySoMany() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.partialUploadsPerKey = 3 }) { running in
            let key = try PrivateKey.generate()
            for count in 2...4 { _ = try await running.declare(key, UploadSample.bytes(count * Self.leaf)) }
            await expectRefusal(.quotaExceeded) { _ = try await running.declare(key, UploadSample.bytes(5 * Self.leaf)) }
            let again = try await running.declare(key, UploadSample.bytes(2 * Self.leaf))
            #expect(again == 0)
        }
    }
}
