import Foundation
import HTTPServing
import Operations
import Wire

/// The data folder: can it be written, and is there room.
enum DiskChecks {
    static func findings(_ context: DoctorContext) -> [Finding] {
        let folder = context.settings.text(.minerData)
        // The miner makes the folder: what is not there yet is judged by the nearest one above it.
        var place = (folder as NSString).isAbsolutePath ? folder : FileManager.default.currentDirectoryPath + "/" + folder
        var status = stat()
        while unsafe stat(place, &status) != 0 {
            guard [ENOENT, ENOTDIR].contains(errno), place.count > 1 else { return [unwritable(folder, place, errno, context)] }
            place = (place as NSString).deletingLastPathComponent
        }
        if let reason = refusal(place, status) { return [unwritable(folder, place, reason, context)] }
        guard let free = freeBytes(place) else { return [] }
        let needed = Pressure.Rules().criticalDisk
        guard free < needed else { return [.well(.disk, "\(folder) can be written, \(Figures.bytes(free)) free")] }
        return [full(folder, place, "\(Figures.bytes(free)) free on the disk of \(folder)", context)]
    }

    /// Why nothing can be written; nil if it can. By writing: rights, quotas and mounts have too many rules to be guessed.
    private static func refusal(_ place: String, _ status: stat) -> Int32? {
        guard status.st_mode & S_IFMT == S_IFDIR else { return ENOTDIR }
        let path = "\(place)/.adit-doctor-\(UUID().uuidString)"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        defer {
            close(descriptor)
            unsafe unlink(path)
        }
        let page = [UInt8](repeating: 0, count: 4096)
        guard unsafe write(descriptor, page, page.count) == page.count, fsync(descriptor) == 0 else { return errno == 0 ? EIO : errno }
        return nil
    }

    private static func unwritable(_ folder: String, _ place: String, _ reason: Int32, _ context: DoctorContext) -> Finding {
        if reason == ENOSPC || reason == EDQUOT { return full(folder, place, "the disk of \(folder) is full", context) }
        let words = unsafe String(cString: strerror(reason))
        let remedy =
            switch reason {
            case EROFS: move(folder, place, context) ?? "sudo mount -o remount,rw \(Shell.quoted(mountPoint(place)))"
            case ENOTDIR: "mv \(Shell.quoted(place)) \(Shell.quoted(place + ".file"))"
            default:
                geteuid() == 0 ? (move(folder, place, context) ?? "chmod u+rwx \(Shell.quoted(place))") : own(folder, context)
            }
        return .broken(
            .disk, reason == ENOTDIR ? "\(place) is a file, and the miner needs a folder there" : "\(place) can't be written: \(words)",
            wanted: "a folder that the miner may write",
            why: "receipts and outputs that wait for their payment are kept there; without it the miner does not start",
            remedy: remedy)
    }

    /// The command that gives a user the folder, and nothing that lies around it; where it can't even be looked at, another one.
    private static func own(_ folder: String, _ context: DoctorContext) -> String {
        var status = stat()
        if unsafe stat(folder, &status) == 0 { return "sudo chown -R \"$(id -un)\" \(Shell.quoted(folder))" }
        return errno == ENOENT
            ? "sudo install -d -m 700 -o \"$(id -un)\" \(Shell.quoted(folder))" : context.set(.minerData, to: NSHomeDirectory() + "/adit-miner-data")
    }

    private static func full(_ folder: String, _ place: String, _ found: String, _ context: DoctorContext) -> Finding {
        .broken(
            .disk, found, wanted: "\(Figures.bytes(Pressure.Rules().criticalDisk)) at least",
            why: "finished work is kept there until it is paid, and a full disk ends work (disk_low)",
            remedy: move(folder, place, context)
                ?? "sudo du -xh --max-depth=2 \(Shell.quoted(mountPoint(place))) | sort -h | tail -20, and delete what you can spare")
    }

    /// The command that moves the data to a disk with room; nil where there is none.
    private static func move(_ folder: String, _ place: String, _ context: DoctorContext) -> String? {
        let current = device(place)
        let candidates = [FileManager.default.currentDirectoryPath, NSHomeDirectory(), "/var/lib", "/var/tmp"]
        let room = 4 * Pressure.Rules().criticalDisk
        guard let target = candidates.first(where: { unsafe device($0) != current && access($0, W_OK) == 0 && free($0) >= room }) else { return nil }
        let new = "\(target)/adit-miner-data"
        let set = context.set(.minerData, to: new)
        return FileManager.default.fileExists(atPath: folder)
            ? "cp -a \(Shell.quoted(folder)) \(Shell.quoted(new)) && \(set)" : "mkdir -m 700 \(Shell.quoted(new)) && \(set)"
    }

    private static func device(_ path: String) -> UInt64? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_dev) : nil
    }

    /// ST_RDONLY of statvfs(3).
    private static let readOnly: UInt = 1

    private static func free(_ path: String) -> Int64 {
        var system = statvfs()
        guard unsafe statvfs(path, &system) == 0, system.f_flag & readOnly == 0 else { return 0 }
        return freeBytes(path) ?? 0
    }

    private static func freeBytes(_ path: String) -> Int64? { DiskWatch.freeBytes(at: path).map { Int64($0) } }

    private static func mountPoint(_ path: String) -> String {
        var path = path
        while path.count > 1, device((path as NSString).deletingLastPathComponent) == device(path) { path = (path as NSString).deletingLastPathComponent }
        return path
    }
}
