/// What goes on on the machine beside the miner, at one moment. nil: can't be read; never guessed.
package struct ActivityReading: Sendable, Equatable {
    /// Who sits at the machine.
    package enum Presence: Sendable, Equatable {
        case unknown
        /// No session of a person.
        case nobody
        /// Sessions there are; the time since something was typed or moved in the liveliest of them, ≥ 0.
        case idle(Duration)
    }

    /// What the kernel counted about memory in this process's control group and those around it, since they were made; only ever grows.
    package struct MemoryEvents: Sendable, Equatable {
        /// Times that the group was slowed down and made to give memory back (`memory.high`).
        package var high: Int64
        /// Times that it was about to go over its limit (`memory.max`).
        package var max: Int64
        /// Processes of it that were killed for want of memory.
        package var killed: Int64

        package init(high: Int64 = 0, max: Int64 = 0, killed: Int64 = 0) { (self.high, self.max, self.killed) = (high, max, killed) }
    }

    /// Logical processors' worth of time that other programs took since the reading before, ≥ 0.
    package var otherLoad: Double?
    package var presence = Presence.unknown
    /// Whether the machine runs on a battery; nil: it has none, or doesn't say.
    package var onBattery: Bool?
    /// The battery's charge, 0…1.
    package var batteryCharge: Double?
    /// Share of the last 10 s in which some task waited for memory, 0…1: the machine's or the control group's, whichever is more (PSI `some`).
    package var memoryPressure: Double?
    /// The same for all tasks at once (PSI `full`): nothing gets done.
    package var memoryStall: Double?
    package var memoryEvents: MemoryEvents?
    /// Memory that could be taken without swapping: of the machine, and within the control group's limit.
    package var availableMemoryBytes: Int64?
    /// Room for this user on the disk of the miner's folder.
    package var freeDiskBytes: Int64?

    package init() {}
}

/// Where a miner looks before it takes work. Synchronous and quick (files of the kernel); figures that need two readings are nil in the first.
package protocol ActivityPort: Sendable {
    func read() -> ActivityReading
}
