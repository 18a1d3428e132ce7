import Foundation
import Synchronization

/// A TCP relay between two parties that knows requests by their first line and does something to one of them.
///
/// Bytes are passed on as they come, on two threads a connection. A request begins with the first bytes that the sender sends after the
/// receiver has spoken: HTTP/1.1 without pipelining, which is what our client does.
final class Relay: Sendable {
    /// What befalls a message.
    enum Fate: String, CaseIterable, Sendable {
        /// It does not arrive, and the sender is killed.
        case lost
        /// It arrives, and the sender is killed before the answer does.
        case sent
        /// The answer arrives, and the sender is killed at once.
        case acknowledgedSenderDies = "acknowledged, sender killed"
        /// The answer arrives, and the receiver is killed at once.
        case acknowledgedReceiverDies = "acknowledged, receiver killed"
    }

    struct Trap: Sendable {
        /// Such as `POST /leases/*/result`; a star stands for one part of a path.
        let request: String
        let fate: Fate
        let strike: @Sendable (Fate) -> Void
    }

    /// What befalls a message that the wanted one follows: its first `bytes` arrive, and then the receiver is killed.
    struct Cut: Sendable {
        let request: String
        let bytes: Int
        let strike: @Sendable () -> Void
    }

    let port: Int
    private let target: Int
    private let listener: Int32
    private let trap = Mutex<Trap?>(nil)
    private let cut = Mutex<Cut?>(nil)

    init(to target: Int) {
        self.target = target
        (port, listener) = Ports.listen()
        let listener = listener
        Thread { [weak self] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0, let self else {
                    // Not before: whoever opens something next gets the descriptor's number, and would be served here.
                    Foundation.close(listener)
                    return
                }
                Thread { self.serve(accepted) }.start()
            }
        }.start()
    }

    /// Lays a trap for the next request of its kind; for the next one after `cut` has happened, if there is one.
    func set(_ trap: Trap?, after cut: Cut? = nil) {
        self.trap.withLock { $0 = trap }
        self.cut.withLock { $0 = cut }
    }

    /// Whether the trap still lies.
    var isSet: Bool { trap.withLock { $0 != nil } }

    func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ sender: Int32) {
        let receiver = Loopback.connect(target)
        guard receiver >= 0 else {
            Foundation.close(sender)
            return
        }
        let state = Exchange()
        let back = Thread {
            self.pump(from: receiver, to: sender) { _ in
                switch state.answered() {
                case .sent: false
                default: true
                }
            } after: {
                if let trap = state.take(where: { $0 == .acknowledgedSenderDies || $0 == .acknowledgedReceiverDies }) { trap.strike(trap.fate) }
            } dropped: {
                if let trap = state.take(where: { $0 == .sent }) { trap.strike(.sent) }
            }
            shutdown(sender, Int32(SHUT_RDWR))
            state.leave(sender, receiver)
        }
        back.start()
        // What is left to pass of a message that is cut.
        var left: Int?
        pump(from: sender, to: receiver) { bytes in
            let begins = state.begins()
            if let cut = self.cut.withLock({ $0 }) {
                if begins, Self.begins(bytes, with: cut.request) { left = cut.bytes }
                guard let rest = left else { return true }
                left = rest - bytes.count
                guard rest < bytes.count else { return true }
                // Laid aside first: the receiver is soon there again, and the sender with the rest.
                self.cut.withLock { $0 = nil }
                cut.strike()
                return false
            }
            guard begins, let trap = self.spring(bytes) else { return true }
            if trap.fate == .lost {
                trap.strike(.lost)
                return false
            }
            state.hold(trap)
            return true
        } after: {
        } dropped: {
        }
        shutdown(receiver, Int32(SHUT_RDWR))
        state.leave(sender, receiver)
    }

    /// The trap, if these bytes begin its request; it lies no more then.
    private func spring(_ bytes: ArraySlice<UInt8>) -> Trap? {
        trap.withLock { trap in
            guard let set = trap, Self.begins(bytes, with: set.request) else { return nil }
            trap = nil
            return set
        }
    }

    /// Whether these bytes begin a request such as `POST /leases/*/result`.
    private static func begins(_ bytes: ArraySlice<UInt8>, with request: String) -> Bool {
        let words = String(decoding: bytes.prefix { $0 != 0x0D }, as: UTF8.self).split(separator: " ")
        let wanted = request.split(separator: " ")
        guard words.count == 3, wanted.count == 2, wanted[0] == words[0] else { return false }
        let path = words[1].prefix { $0 != "?" }.split(separator: "/")
        let parts = wanted[1].split(separator: "/")
        return parts.count == path.count && zip(parts, path).allSatisfy { $0 == "*" || $0 == $1 }
    }

    /// Passes bytes on until an end closes; `pass` may stop it before any of a piece is passed.
    private func pump(from: Int32, to: Int32, _ pass: (ArraySlice<UInt8>) -> Bool, after: () -> Void, dropped: () -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(from, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            guard pass(buffer[..<count]) else { return dropped() }
            var done = 0
            while done < count {
                let sent = unsafe buffer.withUnsafeBytes { unsafe send(to, $0.baseAddress?.advanced(by: done), count - done, Int32(MSG_NOSIGNAL)) }
                guard sent > 0 else { return }
                done += sent
            }
            after()
        }
    }
}

/// One connection's place in its exchange of requests and answers.
private final class Exchange: Sendable {
    private struct State {
        var answered = true
        var held: Relay.Trap?
        var left = 0
    }

    private let state = Mutex(State())

    /// Whether bytes from the sender begin a request.
    func begins() -> Bool {
        state.withLock { state in
            defer { state.answered = false }
            return state.answered
        }
    }

    /// The receiver speaks. Gives the fate of the answer, if it has one.
    func answered() -> Relay.Fate? {
        state.withLock { state in
            state.answered = true
            return state.held?.fate
        }
    }

    func hold(_ trap: Relay.Trap) { state.withLock { $0.held = trap } }

    func take(where isWanted: (Relay.Fate) -> Bool) -> Relay.Trap? {
        state.withLock { state in
            guard let held = state.held, isWanted(held.fate) else { return nil }
            state.held = nil
            return held
        }
    }

    /// The second one to leave closes both ends.
    func leave(_ sender: Int32, _ receiver: Int32) {
        let isLast = state.withLock { state in
            state.left += 1
            return state.left == 2
        }
        if isLast {
            close(sender)
            close(receiver)
        }
    }
}
