package import ChainClient
import Foundation
package import HTTPServing
import Jobs
package import Kernels
package import Operations
package import Profiler
package import Signing
package import Wire

/// All that a miner is told from outside.
package struct MinerConfiguration: Sendable {
    package var coordinator: BaseURL
    package var node: BaseURL
    package var chain: ChainID
    /// Signs requests, receipts and claims.
    package var key: PrivateKey
    /// Where rewards go; may be a cold key's address.
    package var payout: Address
    /// Holds the outbox, outputs that wait and the cache of inputs; made where it is missing. One miner each.
    package var dataDirectory: String
    /// The devices that jobs may run on; each has to pass its self-test first.
    package var backends: [any ComputeBackend]
    /// The most memory for tensors, in bytes, of one job and of all that are computed at one time; nil takes three quarters of what the process may use.
    package var memoryCap: Int64?
    /// The most disk for inputs kept for later jobs, in bytes.
    package var cacheBytes: Int64 = 8 << 30
    /// Where `/status`, `/receipts`, `/metrics` and `/health` are served; nil for nowhere.
    package var local: Bind?
    /// Of that listener.
    package var serving = HTTPServer.Limits()
    /// The core type that OpenBLAS runs with, for the profile.
    package var blasCore: String?
    package var softwareVersion = "0.1.0"
    /// A profile that was measured already; nil measures at start.
    package var profile: Profiler.Outcome?
    /// Measures although a measurement of the last week is kept.
    package var reprofile = false
    /// How long the coordinator may hold a call for work.
    package var pollSeconds = 20
    /// Leases held besides those that compute, one on each device: their inputs come in meanwhile, their outputs go out.
    package var prefetch = 1
    /// How long giving a lease back may take: a stop waits for it.
    package var giveBackWithin: Duration = .seconds(3)
    /// Pauses between tries when a service can't be reached.
    package var pauses = Pauses()
    /// How often a claim on its way is looked after.
    package var followEvery: Duration = .milliseconds(500)
    /// What the operator allows at the start.
    package var limits = OperatorLimits()
    /// What the operator allows from then on: each value replaces the one before, whole, and takes effect at once.
    package var limitChanges: AsyncStream<OperatorLimits>?
    /// Why the operator's latest words were not taken: the limits of before stay in force.
    package var limitRefusals: AsyncStream<Problem>?
    /// Where the governor reads the devices' temperature and power; nil where nothing can be read.
    package var sensors: (any SensorPort)?
    /// What else goes on in this machine; nil where nobody can tell.
    package var activity: (any ActivityPort)?
    /// When somebody else's use of the machine stops the work.
    package var permission = WorkPermission.Rules()
    /// What the operator has said: work, pause, drain. nil makes one that is kept in the data directory.
    package var control: MinerControl?
    /// When devices are put aside, tried again and trusted.
    package var health = DeviceHealth.Policy()
    /// How long a computation may give no sign of life, at least: backends promise one a second, libraries' single calls and a device's first
    /// compilation take some seconds.
    package var leastSilence: Duration = .seconds(60)
    /// How long the CPU may hang before the process ends with `device_hangs`, for its service manager to start another one.
    package var hangEndsAfter: Duration = .seconds(60)
    /// How long leases are kept while the miner is paused; then others get them. Leases last a minute without heartbeats, which go on meanwhile.
    package var holdLeases: Duration = .seconds(60)
    /// Unix seconds.
    package var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    package var registry = PrometheusRegistry()

    package init(
        coordinator: BaseURL, node: BaseURL, chain: ChainID, key: PrivateKey, payout: Address? = nil, dataDirectory: String, backends: [any ComputeBackend]
    ) {
        (self.coordinator, self.node, self.chain, self.key) = (coordinator, node, chain, key)
        (self.payout, self.dataDirectory, self.backends) = (payout ?? key.address, dataDirectory, backends)
    }

    /// For remedies that can be pasted.
    var services: ServiceAddresses { ServiceAddresses(coordinator: coordinator.description, node: node.description) }
}

/// Pauses that double from `first` to `longest`.
package struct Pauses: Sendable, Equatable {
    package var first: Duration
    package var longest: Duration
    private var current: Duration?

    package init(first: Duration = .milliseconds(250), longest: Duration = .seconds(30)) {
        (self.first, self.longest) = (first, longest)
    }

    /// The next pause.
    package mutating func next() -> Duration {
        let pause = min(longest, current.map { $0 * 2 } ?? first)
        current = pause
        return pause
    }

    /// Something worked: the next pause is the first again.
    package mutating func reset() { current = nil }
}
