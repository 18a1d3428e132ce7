/// What goes on in the machine beside the miner, at one moment. nil: can't be read, or there is no such thing; never guessed.
package struct ActivityReading: Sendable, Equatable {
    /// Share of all processors' time that other programs took since the reading before, 0…1. nil at the first reading.
    package var othersShare: Double?
    /// Seconds since somebody last touched a keyboard, a mouse or a terminal of this machine, ≥ 0; infinity where nobody is logged in.
    package var secondsSinceUser: Double?
    /// Whether the machine runs on its battery; false where it has none.
    package var isOnBattery: Bool?
    /// PSI of memory: per cent of the last ten seconds in which some tasks waited for memory, 0…100.
    package var memorySome: Double?
    /// PSI of memory: per cent of the last ten seconds in which all tasks waited for memory, 0…100.
    package var memoryFull: Double?
    /// Bytes that the process can still take before its cgroup, or the machine, has no more.
    package var freeMemory: Int64?
    /// Times so far that the kernel found no memory left under a limit of the process's cgroups, or killed a process of its own one for it. Only a
    /// rise means something.
    package var outOfMemory: Int64?
    /// Bytes free for this user on the disk of the miner's data folder.
    package var freeDisk: Int64?

    package init(
        othersShare: Double? = nil, secondsSinceUser: Double? = nil, isOnBattery: Bool? = nil, memorySome: Double? = nil, memoryFull: Double? = nil,
        freeMemory: Int64? = nil, outOfMemory: Int64? = nil, freeDisk: Int64? = nil
    ) {
        (self.othersShare, self.secondsSinceUser, self.isOnBattery) = (othersShare, secondsSinceUser, isOnBattery)
        (self.memorySome, self.memoryFull, self.freeMemory) = (memorySome, memoryFull, freeMemory)
        (self.outOfMemory, self.freeDisk) = (outOfMemory, freeDisk)
    }
}

/// Where a miner reads what else the machine does. Synchronous and quick; called about once a second.
package protocol ActivityPort: Sendable {
    func read() -> ActivityReading
}
