import Foundation
import Synchronization

/// A TCP relay that lets requests through and keeps some answers to itself, as a network does that breaks at the wrong moment.
final class AnswerThief: Sendable {
    let port: Int
    private let target: UInt16
    private let listener: Int32
    /// The requests that are meant begin with this.
    private let start: String
    private let left: Mutex<Int>

    /// - Parameters:
    ///   - target: the service's port on loopback.
    ///   - request: such as `POST /rpc/sendTx `; the answers to the first `count` of these are lost.
    init(to target: UInt16, request: String, count: Int) throws {
        (self.target, start) = (target, request)
        left = Mutex(count)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound, listen(listener, 64) == 0 else { throw CocoaError(.featureUnsupported) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [weak self] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0, let self else { return }
                Thread { self.serve(accepted) }.start()
            }
        }.start()
    }

    /// How many answers it still waits for.
    var remaining: Int { left.withLock { $0 } }

    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Foundation.close(listener)
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// One request after the other, each with its answer in one piece: what the node gives to these is short.
    private func serve(_ sender: Int32) {
        let receiver = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            Foundation.close(sender)
            Foundation.close(receiver)
        }
        var address = Self.loopback(target)
        let isThere = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(receiver, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        guard isThere else { return }
        var isStolen = false
        while true {
            var ends = [pollfd(fd: sender, events: Int16(POLLIN), revents: 0), pollfd(fd: receiver, events: Int16(POLLIN), revents: 0)]
            guard unsafe poll(&ends, 2, 30_000) > 0 else { return }
            if ends[0].revents != 0 {
                guard let bytes = Self.pass(from: sender, to: receiver) else { return }
                if String(decoding: bytes, as: UTF8.self).hasPrefix(start) {
                    isStolen = left.withLock { left in
                        defer { left = max(0, left - 1) }
                        return left > 0
                    }
                }
            }
            if ends[1].revents != 0 {
                // The answer is there: the node has done what it was asked for.
                guard !isStolen, Self.pass(from: receiver, to: sender) != nil else { return }
            }
        }
    }

    /// What came, once it is passed on; nil at the end.
    private static func pass(from: Int32, to: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(from, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        var done = 0
        while done < count {
            let sent = unsafe buffer.withUnsafeBytes { unsafe send(to, $0.baseAddress?.advanced(by: done), count - done, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return nil }
            done += sent
        }
        return Array(buffer[..<count])
    }
}
