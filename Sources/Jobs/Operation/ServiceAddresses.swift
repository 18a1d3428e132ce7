package import Wire

/// Where a miner's services are: with them the commands of a remedy can be pasted into any shell.
package struct ServiceAddresses: Sendable, Equatable {
    private let coordinator: String
    private let node: String

    /// - Parameters:
    ///   - coordinator: its URL; empty where it isn't known.
    ///   - node: likewise.
    package init(coordinator: String, node: String) { (self.coordinator, self.node) = (coordinator, node) }

    /// A remedy with the addresses in place of the settings' names; a name stays where its address isn't known.
    package func filled(_ remedy: String) -> String {
        var text = remedy
        for (name, url) in [("$COORDINATOR_URL", coordinator), ("$NODE_URL", node)] where !url.isEmpty { text = text.replacing(name, with: url) }
        return text
    }
}

extension WorkReason {
    /// As APIs give it to somebody whose services are known.
    package func json(_ services: ServiceAddresses) -> JSON {
        guard case .object(let members) = json else { return json }
        return .object(members.setting("remedy", to: .string(services.filled(remedy))))
    }
}
