import Foundation
import Synchronization

/// A request as it came over the socket.
struct ReceivedRequest: Sendable {
    let method: String
    let target: String
    let headers: [String: String]
    let body: [UInt8]
}

/// What the server does with a request.
enum Reply: Sendable {
    case answer(Int, headers: [(String, String)] = [], body: [UInt8] = [])
    /// These bytes as they are, then the connection is closed.
    case raw([UInt8])
    /// Nothing at all, until the client goes away.
    case silence
    /// A head that promises much, then a byte now and then until the client goes away.
    case drip
}

/// A real HTTP/1.1 server on a loopback port: plain sockets, a thread for each connection, the test's own answers.
final class TinyServer: Sendable {
    let port: Int
    private let listener: Int32
    private let respond: @Sendable (ReceivedRequest) -> Reply
    private let accepted = Atomic<Int>(0)
    private let gone = Atomic<Int>(0)

    var url: String { "http://127.0.0.1:\(port)" }
    /// Connections accepted so far.
    var connections: Int { accepted.load(ordering: .sequentiallyConsistent) }
    /// Connections that the client has closed.
    var closed: Int { gone.load(ordering: .sequentiallyConsistent) }

    struct CannotListen: Error {}

    init(_ respond: @escaping @Sendable (ReceivedRequest) -> Reply) throws {
        let socketDescriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe bind(socketDescriptor, raw, length) == 0 && listen(socketDescriptor, 64) == 0 && getsockname(socketDescriptor, raw, &length) == 0
            }
        }
        guard bound else { throw CannotListen() }
        listener = socketDescriptor
        port = Int(UInt16(bigEndian: address.sin_port))
        self.respond = respond
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else {
                    // Not before: whoever opens something next gets the descriptor's number, and would be served here.
                    close(listener)
                    return
                }
                accepted.add(1, ordering: .sequentiallyConsistent)
                Thread.detachNewThread { [self] in
                    serve(connection)
                    close(connection)
                }
            }
        }
    }

    /// Nobody is accepted from now on.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        var buffer: [UInt8] = []
        while let request = read(connection, &buffer) {
            switch respond(request) {
            case .answer(let status, let headers, let body):
                var head = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.count)\r\n"
                for (name, value) in headers { head += "\(name): \(value)\r\n" }
                guard send(connection, Array((head + "\r\n").utf8) + (request.method == "HEAD" ? [] : body)) else { return }
            case .raw(let bytes):
                _ = send(connection, bytes)
                return
            case .silence:
                waitForEnd(connection)
                return
            case .drip:
                guard send(connection, Array("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".utf8)) else { return }
                while send(connection, [0]) { usleep(20_000) }
                gone.add(1, ordering: .sequentiallyConsistent)
                return
            }
        }
    }

    private func waitForEnd(_ connection: Int32) {
        var byte: UInt8 = 0
        while unsafe recv(connection, &byte, 1, 0) > 0 {}
        gone.add(1, ordering: .sequentiallyConsistent)
    }

    private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> ReceivedRequest? {
        while true {
            if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let start = lines[0].split(separator: " ")
                guard start.count == 3 else { return nil }
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                }
                let length = headers["content-length"].flatMap { Int($0) } ?? 0
                buffer.removeSubrange(..<end.upperBound)
                while buffer.count < length { guard more(connection, &buffer) else { return nil } }
                let body = Array(buffer.prefix(length))
                buffer.removeFirst(length)
                return ReceivedRequest(method: String(start[0]), target: String(start[1]), headers: headers, body: body)
            }
            guard more(connection, &buffer) else { return nil }
        }
    }

    private func more(_ connection: Int32, _ buffer: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        let got = unsafe recv(connection, &chunk, chunk.count, 0)
        guard got > 0 else { return false }
        buffer.append(contentsOf: chunk[..<got])
        return true
    }

    private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let now = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(connection, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard now > 0 else { return false }
            sent += now
        }
        return true
    }
}
