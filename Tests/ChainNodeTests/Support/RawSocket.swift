import Foundation
import Glibc
import Wire

/// A connection on which a test sends and reads what it likes, when it likes. Its calls block: use them inside `offPool`.
final class RawSocket: Sendable {
    private let descriptor: Int32

    /// - Parameter receiveBuffer: the kernel's for this socket, in bytes; its own choice where not given.
    init(_ port: Int, receiveBuffer: Int32? = nil) throws { descriptor = try RawExchange.connect(port, receiveBuffer: receiveBuffer) }

    deinit { close(descriptor) }

    /// Sends all of it; false once the other end is gone, or takes nothing for ten seconds.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// At most `limit` bytes that are there or come within ten seconds; empty at the other end's close.
    func read(_ limit: Int = 65_536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0, errno == EAGAIN { throw Problem(.timeout, "nothing came") }
        return Array(buffer.prefix(max(0, count)))
    }

    /// Everything until the other end closes, as text.
    func readToEnd() throws -> String {
        var all: [UInt8] = []
        while true {
            let bytes = try read()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Whether bytes are there to be read.
    var hasBytes: Bool {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
    }

    /// Whether the other end has closed it by now.
    var isClosed: Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}

/// Runs blocking calls on a thread of their own: they have no place on Swift's shared pool.
func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
