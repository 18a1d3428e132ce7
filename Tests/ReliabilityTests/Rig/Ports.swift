import Foundation
import Synchronization

/// Ports for programs that are started again and again on the same one.
///
/// They lie below the range that the system gives to outgoing connections, so that none of these takes one in the moment between a kill and
/// the restart. Each process of the rig has 250 of its own: those of two runs beside each other must not find one another's programs.
enum Ports {
    private static let next = Mutex(0)

    /// One that a program may listen on when it has started.
    static func take() -> Int {
        let (port, descriptor) = listen()
        close(descriptor)
        return port
    }

    /// One that is listened on from now. To take it first and listen then may fail: a child that is being started holds a copy of the socket
    /// that looked whether the port is free until its program begins.
    static func listen() -> (port: Int, descriptor: Int32) {
        next.withLock { next in
            while true {
                let port = 10_000 + Int(getpid()) % 84 * 250 + next
                next = (next + 1) % 250
                let descriptor = Loopback.listen(port)
                if descriptor >= 0 { return (port, descriptor) }
            }
        }
    }
}

/// Sockets on 127.0.0.1.
enum Loopback {
    private static func withAddress<Value>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private static func make() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }

    /// A listening socket, or −1.
    static func listen(_ port: Int) -> Int32 {
        let descriptor = make()
        guard descriptor >= 0 else { return -1 }
        var reuse: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        let isBound = unsafe withAddress(port) { unsafe bind(descriptor, $0, $1) } == 0
        if isBound, Foundation.listen(descriptor, 64) == 0 { return descriptor }
        close(descriptor)
        return -1
    }

    /// A connected socket, or −1.
    static func connect(_ port: Int) -> Int32 {
        let descriptor = make()
        guard descriptor >= 0 else { return -1 }
        if unsafe withAddress(port, { unsafe Foundation.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        close(descriptor)
        return -1
    }
}
