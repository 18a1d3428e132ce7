import Foundation
import Wire

/// Compiled programs on disk, one file each, named by all that a binary depends on.
///
/// A file is a digest and the binary that it is of. Whatever is not whole is as good as absent: it is compiled again and replaced. Files
/// are put in place by renaming, so that two processes may share the folder.
struct ProgramCache: Sendable {
    /// nil: nothing is kept.
    let folder: String?

    /// The name for a program of this device, driver, source and options.
    static func key(_ device: DeviceDescription, source: String, options: String) -> String {
        let parts = ["adit.opencl.v1", device.platform, device.vendor, device.name, device.driver, device.version, options, source]
        // Lengths first, so that no two lists of parts read the same.
        return SHA256.hash(utf8: parts.map { "\($0.utf8.count)|\($0)" }.joined()).hex
    }

    func read(_ key: String) -> [UInt8]? {
        guard let path = path(key), let data = FileManager.default.contents(atPath: path), data.count > 32 else { return nil }
        let binary = [UInt8](data.dropFirst(32))
        return SHA256.hash(binary).bytes == [UInt8](data.prefix(32)) ? binary : nil
    }

    /// Keeps a binary. A disk that won't take it is no reason to stop: it is compiled again next time.
    func write(_ binary: [UInt8], _ key: String) {
        guard let folder, let path = path(key) else { return }
        // Others of this machine could otherwise put programs under our names.
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try? Foundation.Data(SHA256.hash(binary).bytes + binary).write(to: URL(filePath: path), options: .atomic)
    }

    private func path(_ key: String) -> String? { folder.map { "\($0)/\(key).bin" } }
}
