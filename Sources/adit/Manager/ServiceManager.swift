import Foundation
import Wire

/// The service manager that started this process, if one did and wants to be told how it is: sd_notify(3), whose protocol is lines of
/// `NAME=value` in datagrams to a Unix socket. Any manager that sets `NOTIFY_SOCKET` is served.
struct ServiceManager: Sendable, Equatable {
    /// The address: a path, or after a zero a name in the abstract namespace. 1…108 bytes.
    private let address: [UInt8]
    /// The manager ends the service when it hears nothing for this long; nil where it doesn't wait for anything.
    let watchdog: Duration?

    /// This process's manager. Asked for first before there is a second thread: its variables are then taken out of the environment, so that
    /// no child speaks for its parent.
    static let current: ServiceManager? = {
        let environment = ProcessInfo.processInfo.environment
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsafe unsetenv(name) }
        return ServiceManager(environment, process: getpid())
    }()

    /// Nil where there is none, or its address is none of a Unix socket.
    /// - Parameter process: whose watchdog `WATCHDOG_PID` has to name, if it names one.
    init?(_ environment: [String: String], process: Int32) {
        guard let socket = environment["NOTIFY_SOCKET"], let first = socket.utf8.first else { return nil }
        var bytes = Array(socket.utf8)
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        // A path needs a byte for its end.
        guard first == UInt8(ascii: "@") || first == UInt8(ascii: "/"), bytes.count > 1, bytes.count < Self.mostBytes else { return nil }
        address = bytes
        let isOurs = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
        // Under 100 ms nothing could be proved in time; over a day nobody would wait.
        watchdog = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { (100_000...86_400_000_000).contains($0) && isOurs ? .microseconds($0) : nil }
    }

    private static let mostBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    /// Sends lines such as `READY=1`, all in one datagram; false where they can't be delivered, which ends nothing here.
    @discardableResult
    func tell(_ lines: [String]) -> Bool {
        // A line's end within a value would begin another line.
        let text = lines.map { $0.replacing("\n", with: " ") }.joined(separator: "\n")
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A manager that doesn't read mustn't hold the service.
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { path in unsafe path.copyBytes(from: address) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count + (address[0] == 0 ? 0 : 1))
        let bytes = Array(text.utf8)
        let sent = unsafe withUnsafePointer(to: &target) { target in
            unsafe target.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), target, length)
            }
        }
        return sent == bytes.count
    }

    /// What `systemctl status` shows, at once. For steps before the service runs, which may take minutes.
    static func say(_ status: String) { current?.tell(["STATUS=" + status]) }
}
