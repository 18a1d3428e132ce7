import Foundation
import Kernels
import Signing
import Synchronization
import Wire

/// What is measured beside kernels: memory, the way to a device, hashing and signatures.
enum HostSubjects {
    /// How long one run of them takes about.
    private static let turn = Duration.milliseconds(10)

    /// The host's memory, where arrays beyond its caches may be taken.
    static func memory(threads: Int, cacheBytes: Int?, limit: Int) -> RateSubject? {
        guard let bytes = BandwidthMeter.bytes(cacheBytes: cacheBytes, limit: limit) else { return nil }
        return RateSubject(
            device: "cpu", backend: "cpu", kind: .memoryCopy, size: [bytes], work: Int64(bytes), trafficBytes: Int64(bytes), weight: 2,
            prepare: { () throws(Problem) in
                let meter = BandwidthMeter(threads: threads, byteCount: bytes)
                return { (_) throws(Problem) in meter.run() }
            })
    }

    /// An accelerator's memory and the way to it. Devices that share the host's memory have no way that could be measured.
    static func transfers(_ backend: any ComputeBackend, device: String) -> [RateSubject] {
        guard let roof = backend.roof else { return [] }
        func subject(_ kind: RateKind, _ body: @escaping () throws(Problem) -> Int64?) -> RateSubject {
            RateSubject(
                device: device, backend: backend.name, kind: kind, size: [], work: 0, trafficBytes: 0,
                prepare: { () throws(Problem) in
                    guard try body() != nil else { return nil }
                    return { (_) throws(Problem) in try body() ?? 0 }
                })
        }
        return [
            subject(.memoryCopy) { () throws(Problem) in try roof.copyMemory(about: turn) },
            subject(.toDevice) { () throws(Problem) in try roof.transfer(.toDevice, about: turn) },
            subject(.fromDevice) { () throws(Problem) in try roof.transfer(.fromDevice, about: turn) },
        ]
    }

    /// A blob's leaf, and how many signatures make a run on each thread: about 2 ms of libsodium's 13 and 37 µs.
    private static let message = 1 << 20
    private static let signatures = 100

    /// Hashing, signing and checking, on all threads.
    static func cryptography(threads: Int) -> [RateSubject] {
        func subject(_ kind: RateKind, _ size: Int, _ work: Int, _ prepare: @escaping () throws(Problem) -> (@Sendable () -> Void)) -> RateSubject {
            RateSubject(
                device: "cpu", backend: "cpu", kind: kind, size: [size], work: Int64(work * threads), trafficBytes: 0, weight: 0.5,
                prepare: { () throws(Problem) in
                    let body = try prepare()
                    return { (_) throws(Problem) in
                        DispatchQueue.concurrentPerform(iterations: threads) { _ in body() }
                        return Int64(work * threads)
                    }
                })
        }
        return [
            subject(.sha256, message, message) { () throws(Problem) in
                let bytes = [UInt8](repeating: 0x5a, count: message)
                return { _ = SHA256.hash(bytes) }
            },
            subject(.sign, 32, signatures) { () throws(Problem) in
                let key = try PrivateKey.generate()
                let digest = SHA256.hash(utf8: "adit.profile")
                return { for _ in 0..<signatures { _ = key.sign(digest) } }
            },
            subject(.verify, 32, signatures) { () throws(Problem) in
                let key = try PrivateKey.generate()
                let digest = SHA256.hash(utf8: "adit.profile")
                let signature = key.sign(digest)
                guard key.publicKey.verifies(signature, of: digest) else { throw Problem(.internalError, "a signature of our own doesn't hold") }
                return { for _ in 0..<signatures { _ = key.publicKey.verifies(signature, of: digest) } }
            },
        ]
    }
}
