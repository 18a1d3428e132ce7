import ChainClient
import Foundation
import Glibc
import HTTPServing
import Operations
import Sensors
import Wire

/// The port of the miner's own API: free, or taken by a miner of ours.
enum PortChecks {
    static func findings(_ context: DoctorContext, _ http: HTTPClient?) async -> [Finding] {
        guard let bind = try? Bind(context.settings.text(.minerBind)) else { return [] }
        if !bind.isLoopback, !context.isInsecure {
            return [
                .broken(
                    .ports, "MINER_BIND is \(bind): other machines can reach it without TLS", wanted: "an address of this machine alone",
                    why: "the miner refuses to listen there without --insecure", remedy: context.set(.minerBind, to: "127.0.0.1:\(bind.port)"))
            ]
        }
        guard bind.port != 0 else { return [.well(.ports, "the local API takes any free port")] }
        let reason = refusal(bind, bind.port)
        guard let reason else { return [.well(.ports, "\(bind) is free for the local API")] }
        if reason == EADDRINUSE, let http, await isMiner(bind, http) { return [.well(.ports, "a miner's local API answers at \(bind)")] }
        let holder = reason == EADDRINUSE ? PortHolder.name(bind.port).map { " by \($0)" } ?? "" : ""
        let found = reason == EADDRINUSE ? "\(bind) is taken\(holder)" : "can't listen on \(bind): \(unsafe String(cString: strerror(reason)))"
        // The next ones that are free; ports below 1024 are root's.
        let next = (max(bind.port, 1023) + 1...max(bind.port, 1023) + 100).first { $0 <= 65_535 && refusal(bind, $0) == nil }
        return [
            .broken(
                .ports, found, wanted: "a free port for the local API (MINER_BIND)", why: "the miner does not start without it",
                remedy: context.set(.minerBind, to: "\(bind.host.contains(":") ? "[\(bind.host)]" : bind.host):\(next ?? 0)"))
        ]
    }

    /// Why nobody can listen there; nil if one can. With the address free again a moment later, since no connection was taken.
    private static func refusal(_ bind: Bind, _ port: Int) -> Int32? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(bind.host, String(port), &hints, &list) == 0, let first = unsafe list else { return EADDRNOTAVAIL }
        defer { unsafe freeaddrinfo(first) }
        let descriptor = unsafe socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        // As the server does: connections of before that linger are no hindrance.
        var yes: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe Glibc.bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(descriptor, 1) == 0 else { return errno }
        return nil
    }

    private static func isMiner(_ bind: Bind, _ http: HTTPClient) async -> Bool {
        let limits = HTTPLimits(connect: .seconds(2), total: .seconds(3))
        guard let base = try? BaseURL("http://\(bind)"), let answer = try? await http.send(HTTPRequest(.get, base, path: "/status", limits: limits)),
            let json = try? answer.json()
        else { return false }
        return json["worker"] != nil || json["address"] != nil || json["stage"] != nil
    }
}

/// Which program listens on a port, as far as this user may see it.
enum PortHolder {
    /// `nginx (process 812)`; nil where it can't be told.
    static func name(_ port: Int) -> String? {
        let sockets = Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { inodes($0, port) })
        guard !sockets.isEmpty, let processes = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else { return nil }
        for process in processes.compactMap({ Int($0) }).sorted() {
            let folder = "/proc/\(process)/fd"
            for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(file)"), sockets.contains(target) else { continue }
                let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
                return "\(name ?? "a program") (process \(process))"
            }
        }
        return nil
    }

    /// Columns of proc_net_tcp(5): local address in hexadecimal, state 0A for listening, inode in the tenth.
    private static func inodes(_ table: String, _ port: Int) -> [String] {
        // The kernel hands such a table out by pages: it is read until nothing more comes.
        let text = KernelFiles().text(table) ?? ""
        let hex = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count > 9, columns[1].hasSuffix(suffix), columns[3] == "0A" else { return nil }
            return "socket:[\(columns[9])]"
        }
    }
}
