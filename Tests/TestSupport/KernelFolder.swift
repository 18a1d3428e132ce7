import Foundation

/// Real files in a folder of their own, where the kernel's would be; gone with the last user.
package final class KernelFolder: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "adit-kernel-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func parent(of file: String) throws {
        let folder = URL(filePath: path + file).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// The kernel's own files end with a line's end: it is added where `text` has none.
    package func write(_ file: String, _ text: String) throws {
        try write(file, bytes: Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
    }

    package func write(_ file: String, bytes: [UInt8]) throws {
        try parent(of: file)
        try Data(bytes).write(to: URL(filePath: path + file))
    }

    package func write(in folder: String, _ files: [String: String]) throws { for (file, text) in files { try write("\(folder)/\(file)", text) } }

    package func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path + file) }

    package func link(_ from: String, to target: String) throws {
        try parent(of: from)
        try FileManager.default.createSymbolicLink(atPath: path + from, withDestinationPath: target)
    }
}
