import Synchronization
import Wire

/// How fast inputs come from the coordinator: of the downloads that jobs need anyway, so that knowing it costs nobody anything.
final class DownloadMeter: Sendable {
    /// Of one transfer, connection and wait for the first byte included; inputs that come at one time share the line.
    struct Rate: Sendable, Equatable {
        let bytesPerSecond: Double
        /// Of so many bytes, the newest ones.
        let bytes: Int64

        var json: JSON { ["bytes_per_second": .real(bytesPerSecond.rounded()), "bytes": .integer(bytes)] }
    }

    /// TCP begins with about 14 KiB and doubles them each round trip: a megabyte takes seven, and the time of less is the distance's, not the line's.
    static let telling = 1 << 20
    /// The newest downloads that count, by their bytes and their number.
    private static let window: Int64 = 256 << 20
    private static let most = 64

    private let downloads = Mutex<[(bytes: Int64, seconds: Double)]>([])

    /// A download has come to its end, whole.
    func add(bytes: Int, took: Duration) {
        let seconds = took / .seconds(1)
        guard bytes >= Self.telling, seconds > 0 else { return }
        downloads.withLock { downloads in
            downloads.append((Int64(bytes), seconds))
            while downloads.count > Self.most || downloads.count > 1 && downloads.dropFirst().reduce(0, { $0 + $1.bytes }) >= Self.window {
                downloads.removeFirst()
            }
        }
    }

    /// nil before the first one that tells anything.
    var rate: Rate? {
        downloads.withLock { downloads in
            guard !downloads.isEmpty else { return nil }
            let bytes = downloads.reduce(0) { $0 + $1.bytes }
            return Rate(bytesPerSecond: Double(bytes) / downloads.reduce(0) { $0 + $1.seconds }, bytes: bytes)
        }
    }
}
