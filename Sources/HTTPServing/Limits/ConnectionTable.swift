import CoreMetrics
import NIOCore
import Synchronization

/// The open connections of one listener: who has them, and which does nothing.
///
/// Hummingbird stops accepting at its limit, and then idle connections shut everybody out until they time out. Here they
/// make room instead.
final class ConnectionTable: Sendable {
    /// Why a connection was closed from this end.
    enum Reason: String { case crowded, peer, head, body, write }

    /// One connection's standing; idle since a time, or busy.
    final class Place: Sendable {
        fileprivate let peer: String?
        fileprivate let channel: any Channel
        private let idleSince = Mutex<ContinuousClock.Instant?>(.now)

        fileprivate init(peer: String?, channel: any Channel) {
            self.peer = peer
            self.channel = channel
        }

        /// Nil while a request is answered.
        var idle: ContinuousClock.Instant? {
            get { idleSince.withLock { $0 } }
            set { idleSince.withLock { $0 = newValue } }
        }
    }

    private struct State {
        var places: [ObjectIdentifier: Place] = [:]
        var peers: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let limits: ConnectionLimits
    private let registry: PrometheusRegistry

    init(_ limits: ConnectionLimits, registry: PrometheusRegistry) {
        self.limits = limits
        self.registry = registry
        registry.describe("adit_http_connections", "Open connections.")
        registry.describe("adit_http_connections_cut_total", "Connections closed from this end, by reason.")
    }

    /// Gives a new connection its place; nil where its peer has too many.
    func open(_ channel: any Channel) -> Place? {
        let address = channel.remoteAddress?.ipAddress
        let peer = Peer.isLoopback(address) ? nil : Peer.name(address)
        let place = Place(peer: peer, channel: channel)
        let (isTaken, idlest) = state.withLock { state -> (Bool, Place?) in
            if let peer {
                guard state.peers[peer, default: 0] < limits.maximumPerPeer else { return (false, nil) }
                state.peers[peer, default: 0] += 1
            }
            // It loses its place in the same breath: two loops that open at one time must find two.
            let idlest = state.places.count >= limits.crowded ? Self.idlest(state.places.values) : nil
            if let idlest { remove(idlest, &state) }
            state.places[ObjectIdentifier(place)] = place
            gauge(state.places.count)
            return (true, idlest)
        }
        guard isTaken else {
            cut(.peer)
            return nil
        }
        if let idlest {
            cut(.crowded)
            idlest.channel.close(promise: nil)
        }
        return place
    }

    /// Frees a place; more than once does nothing.
    func close(_ place: Place) {
        state.withLock { state in
            remove(place, &state)
            gauge(state.places.count)
        }
    }

    private func remove(_ place: Place, _ state: inout State) {
        guard state.places.removeValue(forKey: ObjectIdentifier(place)) != nil else { return }
        guard let peer = place.peer else { return }
        let rest = state.peers[peer, default: 1] - 1
        state.peers[peer] = rest > 0 ? rest : nil
    }

    func cut(_ reason: Reason) {
        Counter(label: "adit_http_connections_cut_total", dimensions: [("reason", reason.rawValue)], factory: registry).increment()
    }

    private func gauge(_ count: Int) { Meter(label: "adit_http_connections", factory: registry).set(count) }

    private static func idlest(_ places: some Sequence<Place>) -> Place? {
        var found: (place: Place, since: ContinuousClock.Instant)?
        for place in places {
            guard let since = place.idle, found.map({ since < $0.since }) ?? true else { continue }
            found = (place, since)
        }
        return found?.place
    }
}
