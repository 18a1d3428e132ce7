package import Sensors

/// The network: what the cards say, and what was measured to the coordinator.
package struct NetworkInventory: Sendable, Equatable {
    /// A card that isn't made of software alone.
    package struct Card: Sendable, Equatable {
        package let name: String
        package let isUp: Bool
        /// Of the link, in Mbit/s; nil where the driver doesn't say (virtual and wireless ones mostly).
        package let megabitsPerSecond: Int?
    }

    /// What was measured to a coordinator.
    package struct Measured: Sendable, Equatable {
        package let coordinator: String
        /// Median of a small request and its answer on an open connection.
        package let roundTripMilliseconds: Double
        package let requests: Int
        /// Downloaded by one connection; nil where the coordinator had nothing large enough to tell.
        package let bytesPerSecond: Double?

        package init(coordinator: String, roundTripMilliseconds: Double, requests: Int, bytesPerSecond: Double?) {
            (self.coordinator, self.roundTripMilliseconds, self.requests, self.bytesPerSecond) = (coordinator, roundTripMilliseconds, requests, bytesPerSecond)
        }
    }

    package let cards: [Card]
    /// nil: no coordinator was given, or it didn't answer.
    package let measured: Measured?

    package init(_ files: KernelFiles, measured: Measured? = nil) {
        let folder = "/sys/class/net"
        cards = files.names(in: folder).filter { files.exists("\(folder)/\($0)/device") }.map { name in
            let speed = files.integer("\(folder)/\(name)/speed").flatMap { $0 > 0 && $0 < 10_000_000 ? Int($0) : nil }
            return Card(name: name, isUp: files.text("\(folder)/\(name)/operstate") == "up", megabitsPerSecond: speed)
        }
        self.measured = measured
    }
}
