import Foundation
import Synchronization

/// A service that says whatever a test wants, over a real socket on loopback: one answer for each path, and a `Date` of its own.
///
/// `@unchecked Sendable`: the descriptor and the port never change; what does is behind the lock.
final class FakeService: @unchecked Sendable {
    struct Answers: Sendable {
        /// By path: status and body; any other path is 404.
        var bodies: [String: (status: Int, body: String)]
        /// Seconds that its clock is ahead.
        var ahead = 0.0
    }

    let port: Int
    private let listener: Int32
    private let answers: Mutex<Answers>

    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answers: Answers) throws {
        self.answers = Mutex(answers)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                unsafe bind(descriptor, general, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, general, &length) == 0
            }
        }
        guard isBound else { throw CocoaError(.featureUnsupported) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in serve() }.start()
    }

    func change(_ body: (inout Answers) -> Void) { answers.withLock { body(&$0) } }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    deinit { close(listener) }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                if errno == EINTR { continue }
                return
            }
            let handle = FileHandle(fileDescriptor: connection, closeOnDealloc: true)
            var request = Data()
            while request.range(of: Data("\r\n\r\n".utf8)) == nil, request.count < 1 << 16 {
                guard let more = try? handle.read(upToCount: 1), !more.isEmpty else { break }
                request += more
            }
            let path = String(decoding: request, as: UTF8.self).split(separator: " ").dropFirst().first.map(String.init) ?? ""
            try? handle.write(contentsOf: Data(response(path).utf8))
        }
    }

    private func response(_ path: String) -> String {
        let (answer, ahead) = answers.withLock { ($0.bodies[path] ?? (404, "{}"), $0.ahead) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return "HTTP/1.1 \(answer.status) X\r\nDate: \(format.string(from: Date(timeIntervalSinceNow: ahead)))\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(answer.body.utf8.count)\r\nConnection: close\r\n\r\n\(answer.body)"
    }
}
