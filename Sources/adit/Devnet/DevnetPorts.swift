import Foundation
import HTTPServing
import Wire

/// Where the parts of a devnet listen, always on loopback.
struct DevnetPorts {
    let rpc: Int
    let p2p: Int
    let coordinator: Int
    let miners: [Int]

    /// - Parameter base: P gives P for the node, P+1 for peers, P+2 for the coordinator and P+10… for miners; nil the usual ports.
    /// - Throws: `unavailable`, naming the port, where one is taken.
    init(base: Int?, miners count: Int) throws(Problem) {
        rpc = base ?? 8080
        p2p = base.map { $0 + 1 } ?? 7070
        coordinator = base.map { $0 + 2 } ?? 8090
        miners = (0..<count).map { (base.map { $0 + 10 } ?? 8100) + $0 }
        for port in [rpc, p2p, coordinator] + miners {
            guard Self.isFree(port) else { throw Problem(.unavailable, "port \(port) is taken by another program; try --port-base 21000") }
        }
    }

    static func bind(_ port: Int) throws(Problem) -> Bind { try Bind("127.0.0.1:\(port)") }
    static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)" }

    /// Tries to bind it; whoever takes it between now and the start gets the operating system's own error.
    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
