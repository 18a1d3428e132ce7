import ChainClient
@testable import Coordinator
import Foundation
import Signing
import Synchronization
import Testing
import Wire

/// Bytes to upload, no two leaves alike.
enum UploadSample {
    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ $0 >> 16) } }

    static func leaves(_ data: [UInt8]) -> [UInt8] { unsafe data.withUnsafeBytes { unsafe TensorRoot.leafHashes(of: $0) }.flatMap(\.bytes) }
}

extension CoordinatorUnderTest {
    func signature(_ key: PrivateKey, _ path: String, query: String = "") -> [(name: String, value: String)] {
        HTTPSignature.headers(
            for: SignedRequest(method: "PUT", authority: base.authority, path: path, query: String(query.dropFirst())), body: .boundByPath, key: key,
            now: clock.nowMilliseconds / 1000, nonce: SecureRandom.hex(bytes: 16))
    }

    /// A signed `PUT`, as the client's own code would not send it.
    func put(_ key: PrivateKey, _ path: String, query: String = "", _ body: [UInt8], range: String? = nil) async throws -> JSON {
        let headers = signature(key, path, query: query) + (range.map { [("Content-Range", $0)] } ?? [])
        return try await harness.http.send(HTTPRequest(.put, base, path: path, query: query, headers: headers, body: BytesSource(body))).checked().json()
    }

    /// Says the leaves; returns how many bytes are there.
    func declare(_ key: PrivateKey, _ data: [UInt8]) async throws -> Int64? {
        let root = TensorRoot.root(of: data)
        return try await put(key, "/blobs/\(root.hex)/leaves", query: "?bytes=\(data.count)", UploadSample.leaves(data))["received"]?.integerValue
    }

    func send(_ key: PrivateKey, _ data: [UInt8], _ range: Range<Int>, sent: [UInt8]? = nil) async throws -> JSON {
        let header = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(data.count)"
        return try await put(key, "/blobs/\(TensorRoot.root(of: data).hex)", sent ?? Array(data[range]), range: header)
    }

    /// The names of files of uploads that are not whole.
    func partialFiles() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: harness.directory + "/blobs/partial") }
}

/// A `PUT` over a socket of its own that promises all bytes from `start` on and sends them as it is told.
final class RawUpload {
    private let descriptor: Int32
    private let data: [UInt8]
    private var sent: Int

    init(_ running: CoordinatorUnderTest, _ key: PrivateKey, _ data: [UInt8], from start: Int? = nil) throws {
        self.data = data
        sent = start ?? 0
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(running.base.port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, size) }
        }
        try #require(connected == 0)
        let path = "/blobs/\(TensorRoot.root(of: data).hex)"
        var head = "PUT \(path) HTTP/1.1\r\nHost: \(running.base.authority)\r\nContent-Length: \(data.count - sent)\r\n"
        if let start { head += "Content-Range: bytes \(start)-\(data.count - 1)/\(data.count)\r\n" }
        for header in running.signature(key, path) { head += "\(header.name): \(header.value)\r\n" }
        try write(Array((head + "\r\n").utf8))
    }

    deinit { close(descriptor) }

    private func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { raw in
                unsafe Glibc.send(descriptor, raw.baseAddress?.advanced(by: done), raw.count - done, Int32(MSG_NOSIGNAL))
            }
            try #require(count > 0)
            done += count
        }
    }

    /// Sends the bytes up to `end`.
    func send(to end: Int) throws {
        try write(Array(data[sent..<end]))
        sent = end
    }

    /// The answer's first line. Waits for it on a thread of its own.
    func answer() async throws -> String {
        let descriptor = descriptor
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
                continuation.resume(returning: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).components(separatedBy: "\r\n")[0])
            }
        }
    }
}

/// Bytes whose reading fails once at each of some places, as a broken connection does.
final class CutSource: UploadSource {
    private let bytes: BytesSource
    private let cuts: Mutex<[Int]>
    private let count = Mutex(0)

    init(bytes: [UInt8], cuts: [Int]) {
        self.bytes = BytesSource(bytes)
        self.cuts = Mutex(cuts)
    }

    var byteCount: Int { bytes.byteCount }
    var isSpent: Bool { cuts.withLock { $0.isEmpty } }
    var sent: Int { count.withLock { $0 } }

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        // The hashing of leaves reads in whole pieces of a MiB; only what is sent is cut.
        let isCut =
            target.count < 1 << 20
            && cuts.withLock { cuts in
                guard let next = cuts.first, offset >= next else { return false }
                cuts.removeFirst()
                return true
            }
        if isCut { throw Problem(.transportFailed, "cut at \(offset)") }
        let got = try unsafe bytes.read(at: offset, into: target)
        if target.count < 1 << 20 { count.withLock { $0 += got } }
        return got
    }
}
