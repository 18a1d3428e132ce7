import CoreMetrics
import Glibc
package import Logging
import ServiceLifecycle
import Synchronization

/// What the disk of a service's store has left: a gauge, and a word before nothing is left.
package final class DiskWatch: Sendable {
    /// Room for what a store writes in the time in which somebody reads the warning: a month of empty two-second blocks (33 MB a day), or
    /// 100,000 jobs in the store that grows most by one (11 KB, the coordinator's; both measured, see docs/OPERATORS.md).
    package static let reserveBytes = 1 << 30

    private let least: Int
    private let registry: PrometheusRegistry
    private let free: @Sendable () -> Int?
    private let tell: @Sendable (_ isLow: Bool, _ facts: [(name: String, bytes: Int)]) -> Void
    private let isLow = Mutex(false)

    /// - Parameters:
    ///   - largest: the most bytes that are stored at once besides the store, such as one upload's.
    ///   - free: the bytes left; nil where the file system doesn't say.
    ///   - tell: is told when less than `reserveBytes` + `largest` are left, and when it is a quarter more again.
    package init(
        largest: Int = 0, registry: PrometheusRegistry, free: @escaping @Sendable () -> Int?,
        tell: @escaping @Sendable (_ isLow: Bool, _ facts: [(name: String, bytes: Int)]) -> Void
    ) {
        least = Self.reserveBytes + largest
        (self.registry, self.free, self.tell) = (registry, free, tell)
        registry.describe("adit_disk_free_bytes", "What the disk of the service's store has left.")
    }

    /// Tells a log, as `disk_low` and `disk_ample`.
    ///
    /// - Parameter path: of the store, or of its folder.
    package convenience init(path: String, largest: Int = 0, registry: PrometheusRegistry, logger: Logger) {
        self.init(largest: largest, registry: registry, free: { Self.freeBytes(at: path) }) { isLow, facts in
            let metadata = Logger.Metadata(uniqueKeysWithValues: facts.map { ($0.name, .stringConvertible($0.bytes)) })
            logger.event(isLow ? "disk_low" : "disk_ample", level: isLow ? .warning : .info, metadata)
        }
    }

    /// Looks now and every minute, until graceful shutdown or cancellation.
    package func run() async {
        try? await cancelWhenGracefulShutdown {
            while true {
                self.look()
                try await Task.sleep(for: .seconds(60))
            }
        }
    }

    /// Sets the gauge, and tells where something has changed.
    package func look() {
        guard let free = free() else { return }
        Meter(label: "adit_disk_free_bytes", factory: registry).set(free)
        let changed: Bool? = isLow.withLock { isLow in
            let isNow = free < (isLow ? least + least / 4 : least)
            defer { isLow = isNow }
            return isNow == isLow ? nil : isNow
        }
        if let changed { tell(changed, [("free_bytes", free), ("least_bytes", least)]) }
    }

    /// What the disk has left for files at `path`; nil where its file system doesn't say.
    package static func freeBytes(at path: String) -> Int? {
        var info = statvfs()
        guard unsafe statvfs(path, &info) == 0, info.f_blocks > 0 else { return nil }
        let (bytes, overflow) = info.f_bavail.multipliedReportingOverflow(by: info.f_frsize)
        return overflow ? nil : Int(clamping: bytes)
    }
}
