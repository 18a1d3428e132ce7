/// A miner as its operator sees it: what the terminal's page and the web page show, and nothing else.
///
/// Made in one place (`MinerView+Mapping.swift`) from what `/status` and the history say. nil: not known.
package struct MinerView: Sendable, Equatable {
    /// Why something is as it is, and what to do about it.
    package struct Reason: Sendable, Equatable {
        /// A `WorkReason` or a problem's code.
        package var code: String
        package var meaning: String
        package var remedy: String?

        package init(code: String, meaning: String, remedy: String? = nil) { (self.code, self.meaning, self.remedy) = (code, meaning, remedy) }
    }

    package struct Device: Sendable, Equatable {
        /// `cpu`, `opencl:0`, …
        package var name: String
        /// What it says of itself; comes from a driver.
        package var model: String
        package var isUsable: Bool
        /// Why it isn't used, or is slowed down.
        package var reason: Reason?
        /// Operations per second over the last minute, idle time included.
        package var rate: Double?
        /// In °C.
        package var temperature: Double?
        /// In watts.
        package var power: Double?
        /// Share of the last minute that it computed, 0…1.
        package var busy: Double?
        /// What the governor allows, 0…1.
        package var duty: Double?
        /// Energy of a compute unit since the start, idle time included.
        package var joulesPerUnit: Double?
        /// Rates over the last hour, oldest first, for a small curve.
        package var trend: [Double] = []

        package init(name: String, model: String, isUsable: Bool = true) { (self.name, self.model, self.isUsable) = (name, model, isUsable) }
    }

    package struct Job: Sendable, Equatable {
        package var id: String
        package var kernel: String
        package var stage: String
        /// The device's name; nil where none is chosen yet.
        package var device: String?
        /// 0…1.
        package var progress: Double
        /// When it was leased, in Unix milliseconds.
        package var leased: Int64?

        package init(id: String, kernel: String, stage: String, device: String? = nil, progress: Double, leased: Int64? = nil) {
            (self.id, self.kernel, self.stage, self.device, self.progress, self.leased) = (id, kernel, stage, device, progress, leased)
        }
    }

    /// Where the coordinator places this miner, by what it has shown.
    package struct Placement: Sendable, Equatable {
        package var tier: String
        package var claimed: String
        /// Why that isn't what the miner claims; nil where it is.
        package var reason: Reason?

        package init(tier: String, claimed: String, reason: Reason? = nil) { (self.tier, self.claimed, self.reason) = (tier, claimed, reason) }
    }

    /// How fast inputs come from the coordinator, and of how many bytes that is known.
    package struct Download: Sendable, Equatable {
        package var bytesPerSecond: Double
        package var bytes: Double

        package init(bytesPerSecond: Double, bytes: Double) { (self.bytesPerSecond, self.bytes) = (bytesPerSecond, bytes) }
    }

    package struct Event: Sendable, Equatable {
        package var atMilliseconds: Int64
        package var name: String
        package var reason: Reason?
        /// What else there is to say.
        package var detail: String?

        package init(atMilliseconds: Int64, name: String, reason: Reason? = nil, detail: String? = nil) {
            (self.atMilliseconds, self.name, self.reason, self.detail) = (atMilliseconds, name, reason, detail)
        }
    }

    /// Unix milliseconds.
    package var now: Int64
    package var version: String
    /// `starting`, `computing`, `working` (leases are held), `idle`, `paused`, `draining` or `stopping`.
    package var state: String
    /// Why there is no work, where there is none.
    package var reason: Reason?
    /// By its own measurement.
    package var tier: String?
    package var placement: Placement?
    package var download: Download?
    package var chain = ""
    package var address = ""
    package var payout = ""
    package var coordinator = ""
    package var node = ""
    package var devices: [Device] = []
    package var jobs: [Job] = []
    package var hour = HistoryWork()
    package var day = HistoryWork()
    /// Receipts by phase.
    package var receipts: [String: Int64] = [:]
    package var lastEvent: Event?

    package init(now: Int64, version: String, state: String) { (self.now, self.version, self.state) = (now, version, state) }

    /// Something went wrong that wants somebody's attention.
    package var isTroubled: Bool { devices.contains { !$0.isUsable } || reason.map { !Self.calm.contains($0.code) } ?? false }

    /// Reasons that are as they should be.
    private static let calm: Set<String> = ["no_jobs", "starting", "jobs_held", "paused_by_operator", "draining", "outside_schedule", "stopping"]
}
