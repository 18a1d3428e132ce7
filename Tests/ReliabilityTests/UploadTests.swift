import ChainClient
import Foundation
import Synchronization
import Testing
import Wire

extension Reliability {
    /// A large upload to a coordinator that is killed again and again: it comes to its end over as many processes as it takes.
    @Suite struct UploadTests {
        @Test(.timeLimit(.minutes(5))) func aKilledCoordinatorGoesOnWithAnUpload() async throws {
            var chance = Chance(seed: RigSettings.seed)
            let folder = FileManager.default.temporaryDirectory.appending(path: "adit-rig-upload-\(UUID().uuidString.prefix(8))").path
            let town = try await Town(folder)
            defer {
                town.killAll()
                try? FileManager.default.removeItem(atPath: folder)
            }
            try town.start(.node)
            try town.start(.coordinator)
            let size = 48 << 20
            let data = (0..<size / 8).flatMap { _ in unsafe withUnsafeBytes(of: chance.next()) { unsafe Array($0) } }
            let root = TensorRoot.root(of: data)
            let kills = (0..<RigSettings.number("ADIT_RIG_UPLOAD_KILLS", default: 3)).map { _ in Int(chance.next() % UInt64(size)) }.sorted()
            let source = DeadlySource(data, kills: kills) { town.kill(.coordinator) }
            let coordinator = try town.coordinator
            for _ in 0..<1000 {
                if case .some = try? await coordinator.hasBlob(root) { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await coordinator.putBlob(root, source) }
                group.addTask {
                    while true {
                        try await Task.sleep(for: .milliseconds(20))
                        if town.status(.coordinator) != nil { try town.start(.coordinator) }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
            #expect(source.killed == kills.count)
            #expect(try await coordinator.blob(root, byteCount: size) == data)
            // All that stays of one process is there for the next: what is sent twice is what was on its way at each kill.
            let twice = source.sent - size
            RigSettings.say("upload of \(size >> 20) MiB over \(kills.count) kills at bytes \(kills): \(twice >> 10) KiB sent twice")
            #expect(twice < (kills.count + 1) * (12 << 20))
        }
    }
}

/// Bytes whose sending kills at each of some places.
private final class DeadlySource: UploadSource {
    private struct State {
        var kills: [Int]
        var killed = 0
        var sent = 0
    }

    private let bytes: BytesSource
    private let kill: @Sendable () -> Void
    private let state: Mutex<State>

    init(_ bytes: [UInt8], kills: [Int], kill: @escaping @Sendable () -> Void) {
        self.bytes = BytesSource(bytes)
        self.kill = kill
        state = Mutex(State(kills: kills))
    }

    var byteCount: Int { bytes.byteCount }
    var killed: Int { state.withLock { $0.killed } }
    var sent: Int { state.withLock { $0.sent } }

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        let got = try unsafe bytes.read(at: offset, into: target)
        // The hashing of leaves reads a MiB at once; only what is sent kills.
        guard target.count < 1 << 20 else { return got }
        let isDue = state.withLock { state in
            state.sent += got
            guard let next = state.kills.first, offset + got > next else { return false }
            state.kills.removeFirst()
            state.killed += 1
            return true
        }
        if isDue { kill() }
        return got
    }
}
