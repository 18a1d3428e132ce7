import Glibc
package import Operations
import Synchronization

/// What the machine does beside the miner, from the kernel's files; people from systemd's sessions and utmp.
package final class SystemActivity: ActivityPort {
    private let files: KernelFiles
    private let folder: String
    private let wallClock: @Sendable () -> Double
    private let now: @Sendable () -> Duration
    private let memory: MemoryState
    private let state: Mutex<(others: OtherPrograms, sessions: Sessions)>

    /// - Parameters:
    ///   - files: whose `/proc`, `/sys`, `/run` and `/dev`.
    ///   - folder: on the disk whose room counts: the miner's data.
    ///   - loginctl: systemd's program, asked about desktops.
    ///   - wallClock: Unix seconds.
    ///   - now: monotonic.
    package init(
        files: KernelFiles = KernelFiles(), folder: String, loginctl: String = "/usr/bin/loginctl",
        wallClock: @escaping @Sendable () -> Double = SystemActivity.unixTime, now: @escaping @Sendable () -> Duration = SystemSensors.uptime
    ) {
        (self.files, self.folder, self.wallClock, self.now) = (files, folder, wallClock, now)
        memory = MemoryState(files)
        var others = OtherPrograms(files)
        _ = others.share()
        state = Mutex((others, Sessions(files, loginctl: loginctl)))
    }

    package func read() -> ActivityReading {
        let (share, seconds) = state.withLock { state in
            (state.others.share(), state.sessions.secondsSinceUser(wallClock: wallClock(), now: now()))
        }
        let pressure = memory.pressure
        return ActivityReading(
            othersShare: share, secondsSinceUser: seconds, isOnBattery: Battery.isInUse(files), memorySome: pressure.some, memoryFull: pressure.full,
            freeMemory: memory.freeBytes, outOfMemory: memory.outOfMemory, freeDisk: DiskRoom.freeBytes(folder))
    }

    package static let unixTime: @Sendable () -> Double = {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Room on a disk.
package enum DiskRoom {
    /// Bytes that this user may still write on the disk of a folder, or of the nearest folder above it that exists; nil if it can't be asked.
    package static func freeBytes(_ folder: String) -> Int64? {
        var path = folder.isEmpty ? "." : folder
        var status = statvfs()
        while unsafe statvfs(path, &status) != 0 {
            guard errno == ENOENT, path != "/", path != "." else { return nil }
            path = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? nil : Int64(clamping: bytes)
    }
}
