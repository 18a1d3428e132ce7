import Foundation
import Glibc
import Wire

/// Bytes out, bytes back, over a plain socket: for requests that no HTTP client would send.
enum RawExchange {
    /// Sends the text and reads until the other end closes, an answer's end is there, or ten seconds passed without a byte.
    ///
    /// - Parameter thenClose: shuts the sending side down after the text.
    static func send(_ text: String, to port: Int, thenClose: Bool = false) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            // A blocking socket has no place on Swift's shared pool.
            Thread.detachNewThread { continuation.resume(with: Result { try exchange(Array(text.utf8), port, thenClose) }) }
        }
    }

    private static func exchange(_ bytes: [UInt8], _ port: Int, _ thenClose: Bool) throws -> String {
        let descriptor = try connect(port)
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // The server may have answered and closed already.
            guard count > 0 else { break }
            sent += count
        }
        if thenClose { shutdown(descriptor, Int32(SHUT_WR)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { break }
            answer += buffer[..<count]
            if String(decoding: answer, as: UTF8.self).hasSuffix("}") { break }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// A connected socket whose reads give up after ten seconds.
    static func connect(_ port: Int, receiveBuffer: Int32? = nil) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "no socket") }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if var receiveBuffer {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard status == 0 else {
            close(descriptor)
            throw Problem(.transportFailed, "can't connect")
        }
        return descriptor
    }
}
