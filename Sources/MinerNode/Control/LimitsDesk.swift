import ChainClient
import Jobs
import Operations
import Wire

/// Holds the machine's side of the limits: cores, transfers, devices' memory, the disk (threads are the governor's). Each change counts at once; what can't be done is told.
final class LimitsDesk: Sendable {
    private let limits: LiveLimits
    private let http: HTTPClient
    private let cache: BlobCache
    private let outputs: OutputFolder
    private let permit: WorkPermit
    private let events: EventSink
    private let cacheBytes: Int64
    private let affinity = CoreAffinity()
    private let memories: [DeviceMemory]

    /// - Parameter cacheBytes: the most for kept inputs where the disk is not limited.
    init(
        limits: LiveLimits, devices: DevicePool, http: HTTPClient, cache: BlobCache, outputs: OutputFolder, permit: WorkPermit, events: EventSink,
        cacheBytes: Int64
    ) {
        memories = devices.all.map { DeviceMemory($0.backend) }
        (self.limits, self.http, self.cache, self.outputs) = (limits, http, cache, outputs)
        (self.permit, self.events, self.cacheBytes) = (permit, events, cacheBytes)
    }

    /// Takes new limits.
    func set(_ fresh: OperatorLimits) async {
        guard limits.set(fresh) else { return }
        events.emit(.limitsChanged, ["limits": fresh.json])
        await apply()
    }

    /// Brings everything in step with the limits as they are now.
    func apply() async {
        let now = limits.now
        http.limit(bytesPerSecond: now.bytesPerSecond)
        let limits = limits
        for memory in memories { memory.want(now.deviceMemoryBytes) { limits.announce() } }
        do throws(Problem) {
            try affinity.apply(now.cores)
        } catch {
            events.emit(.limitIgnored, ["limit": "cores"].merging(error.facts) { $1 }, weight: .warning)
        }
        await holdDisk()
    }

    /// Looks after the disk until the task is canceled.
    func run() async {
        await apply()
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(5))
            await holdDisk()
        }
    }

    /// Inputs kept for later give way to outputs that wait; where these alone are at the limit, nothing new is taken until some are delivered.
    private func holdDisk() async {
        guard let most = limits.now.diskBytes else {
            cache.maxBytes = cacheBytes
            return permit.set(.disk, nil)
        }
        let waiting = await outputs.size()
        cache.maxBytes = min(cacheBytes, max(0, most - waiting))
        await cache.shrink()
        permit.set(.disk, waiting < most ? nil : WorkPermit.Halt(reason: .diskLow, holds: false))
    }
}
