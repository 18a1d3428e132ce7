import Glibc
package import Sensors

/// The disk that a folder lies on.
package struct DiskInventory: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case ssd, rotational
        /// What a hypervisor calls a disk says nothing about what is behind it.
        case virtual
        /// In memory: gone with the next start.
        case memory
        case unknown
    }

    /// The folder, or the nearest one above it that exists.
    package let folder: String
    package let kind: Kind
    /// The block device (`nvme0n1p2`); nil where there is none (network, overlay) or it isn't shown.
    package let device: String?
    package let fileSystem: String?
    package let freeBytes: Int64?
    package let totalBytes: Int64?
    package let isReadOnly: Bool?

    package init(_ files: KernelFiles, folder: String) {
        var status = statvfs()
        var path = folder.isEmpty ? "." : folder
        while unsafe statvfs(path, &status) != 0, path != "/", path != "." {
            path = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        }
        self.folder = path
        let isThere = unsafe statvfs(path, &status) == 0
        freeBytes = DiskRoom.freeBytes(folder)
        let (total, overflow) = UInt64(status.f_blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        totalBytes = isThere && !overflow ? Int64(clamping: total) : nil
        isReadOnly = isThere ? status.f_flag & UInt(ST_RDONLY) != 0 : nil
        let mount = Self.resolved(path).flatMap { Mount(of: $0, mountinfo: files.text("/proc/self/mountinfo") ?? "") }
        fileSystem = mount?.fileSystem
        device = mount?.device
        kind = Self.kind(files, mount)
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func kind(_ files: KernelFiles, _ mount: Mount?) -> Kind {
        guard let mount else { return .unknown }
        if ["tmpfs", "ramfs"].contains(mount.fileSystem) { return .memory }
        guard let device = mount.device else { return .unknown }
        // A partition's queue is its disk's.
        let folder = "/sys/class/block/\(device)"
        guard let answer = files.integer("\(folder)/queue/rotational") ?? files.integer("\(folder)/../queue/rotational") else { return .unknown }
        if ["vd", "xvd"].contains(where: { device.hasPrefix($0) }) { return .virtual }
        return answer == 0 ? .ssd : .rotational
    }
}

/// The mount that a path lies on.
///
/// Source: proc_pid_mountinfo(5): the mount point is field 5, with blanks as `\040`; type and source follow a lone hyphen.
package struct Mount: Sendable, Equatable {
    package let point: String
    package let fileSystem: String
    /// The block device's name; nil for a source that is none.
    package let device: String?

    /// - Parameter path: absolute, without links.
    package init?(of path: String, mountinfo: String) {
        var best: (point: String, fileSystem: String, source: String)?
        for line in mountinfo.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 10, let hyphen = words.firstIndex(of: "-"), hyphen + 2 < words.count else { continue }
            let point = Self.plain(words[4])
            guard path == point || point == "/" || path.hasPrefix(point + "/") else { continue }
            // Of mounts on the same point the last one hides the others.
            if point.utf8.count >= best?.point.utf8.count ?? 0 { best = (point, String(words[hyphen + 1]), Self.plain(words[hyphen + 2])) }
        }
        guard let best else { return nil }
        (point, fileSystem) = (best.point, best.fileSystem)
        let name = best.source.split(separator: "/").last.map(String.init)
        device = best.source.hasPrefix("/dev/") ? name : nil
    }

    private static func plain(_ word: Substring) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(String(word)) { text, pair in
            text.split(separator: pair.0, omittingEmptySubsequences: false).joined(separator: pair.1)
        }
    }
}
