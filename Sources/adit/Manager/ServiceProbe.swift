import ChainClient
import HTTPServing
import Synchronization
import Wire

/// Asks a service of this process over its own listener whether it lives.
final class ServiceProbe: Sendable {
    enum Outcome: Sendable, Equatable {
        /// It answered, whatever it said: a node that is out of step lives.
        case alive(status: String)
        /// It listens and doesn't answer.
        case silent(String)
        /// Its port isn't known yet.
        case notYet
    }

    private let host: String
    private let path: String
    private let patience: Duration
    private let port: Mutex<Int?>

    /// - Parameters:
    ///   - path: a route that reads the service's state and costs little.
    ///   - patience: how long an answer may take.
    init(_ bind: Bind, path: String, patience: Duration = .seconds(10)) {
        // What listens on every address is asked on loopback.
        host = ["0.0.0.0": "127.0.0.1", "::": "::1"][bind.host] ?? bind.host
        (self.path, self.patience) = (path, patience)
        port = Mutex(bind.port == 0 ? nil : bind.port)
    }

    /// The port that was given where any would do.
    func bound(to port: Int) { self.port.withLock { $0 = port } }

    func ask() async -> Outcome {
        guard let port = port.withLock({ $0 }) else { return .notYet }
        do throws(Problem) {
            let base = try BaseURL("http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
            // One connection for one question: the listener has to take it, too.
            let http = try HTTPClient(maxConnections: 1)
            defer { http.close() }
            let limits = HTTPLimits(connect: .seconds(2), total: patience, answerBytes: 1 << 20)
            let response = try await http.send(HTTPRequest(.get, base, path: path, limits: limits))
            let body = try? response.json()
            return .alive(status: ["state", "status", "detail"].lazy.compactMap { body?[$0]?.stringValue }.first ?? "answers")
        } catch {
            return .silent("\(error.code.rawValue): \(error.detail)")
        }
    }
}
