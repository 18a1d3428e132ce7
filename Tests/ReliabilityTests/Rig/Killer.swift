import Foundation

/// Kills one of three at a moment, and starts it again at once.
struct Killer: Sendable {
    /// When a kill happened, as the report counts them.
    enum Moment: String, CaseIterable, Sendable {
        /// At any time.
        case anyTime = "any time"
        /// Right after something in its data folder was written.
        case writing
        /// Within the first moments after a restart.
        case recovering
    }

    struct Tally: Sendable {
        var kills: [Party: [Moment: Int]] = [:]

        var count: Int { kills.values.reduce(0) { $0 + $1.values.reduce(0, +) } }

        mutating func add(_ other: Tally) {
            for (party, moments) in other.kills {
                for (moment, count) in moments { kills[party, default: [:]][moment, default: 0] += count }
            }
        }

        /// A row a party, for the report.
        var table: [String] {
            ["| killed | any time | writing | recovering |", "| --- | ---: | ---: | ---: |"]
                + Party.allCases.map { party in
                    "| \(party) | " + Moment.allCases.map { String(kills[party]?[$0] ?? 0) }.joined(separator: " | ") + " |"
                }
        }
    }

    let town: Town
    var chance: Chance
    private(set) var tally = Tally()

    init(_ town: Town, seed: UInt64) { (self.town, chance) = (town, Chance(seed: seed, 1)) }

    /// One round: a kill at any time or in a write; then, in every second round, one or two more of the same one while it comes up.
    mutating func round() async throws {
        guard let party = Party.allCases.randomElement(using: &chance) else { return }
        if chance.once(in: 2) {
            try await Task.sleep(for: chance.milliseconds(0...2_000))
            try kill(party, .anyTime)
        } else {
            // What is not written to within two seconds is killed all the same, and counts as killed at any time.
            let folder = town.data(party)
            let wrote = await Watch.forWrite(
                in: [folder, folder + "/outputs", folder + "/blobs/incoming"], patience: 2, skip: Int.random(in: 0...3, using: &chance))
            try kill(party, wrote ? .writing : .anyTime)
        }
        for _ in 0..<[0, 0, 1, 2][Int.random(in: 0...3, using: &chance)] {
            try await Task.sleep(for: chance.milliseconds(0...600))
            try kill(party, .recovering)
        }
    }

    private mutating func kill(_ party: Party, _ moment: Moment) throws {
        guard town.kill(party) else { throw Broken("\(party) had ended by itself before it was killed; see \(town.log(party))") }
        tally.kills[party, default: [:]][moment, default: 0] += 1
        try town.start(party)
    }
}

/// Waits for changes of files.
enum Watch {
    /// True once a file in one of the folders was written to, after `skip` other writes; false after `patience` seconds without.
    static func forWrite(in folders: [String], patience: Double, skip: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: wait(folders, patience, skip)) }.start()
        }
    }

    private static func wait(_ folders: [String], _ patience: Double, _ skip: Int) -> Bool {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        for folder in folders { _ = unsafe inotify_add_watch(descriptor, folder, UInt32(IN_MODIFY | IN_MOVED_TO | IN_CREATE)) }
        let deadline = ContinuousClock.now + .seconds(patience)
        var left = skip
        while ContinuousClock.now < deadline {
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&ready, 1, 50) > 0 else { continue }
            if left == 0 { return true }
            left -= 1
            var events = [UInt8](repeating: 0, count: 4096)
            _ = unsafe read(descriptor, &events, events.count)
        }
        return false
    }
}
