import Foundation
import Sensors

/// Real files in a folder of their own, where the kernel's would be; gone with the last user.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "adit-sensors-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: KernelFiles { KernelFiles(root: path) }

    func write(_ file: String, _ text: String) throws {
        let url = URL(filePath: path + file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path + file) }

    /// A chip of hwmon: files beside `name`.
    func chip(_ number: Int, _ name: String, _ files: [String: String], at folder: String = "/sys/class/hwmon") throws {
        try write("\(folder)/hwmon\(number)/name", name + "\n")
        for (file, text) in files { try write("\(folder)/hwmon\(number)/\(file)", text + "\n") }
    }
}
