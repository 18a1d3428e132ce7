import Sensors
import TestSupport

extension KernelFolder {
    var files: KernelFiles { KernelFiles(root: path) }

    /// A chip of hwmon: files beside `name`.
    func chip(_ number: Int, _ name: String, _ files: [String: String], at folder: String = "/sys/class/hwmon") throws {
        try write(in: "\(folder)/hwmon\(number)", files.merging(["name": name]) { $1 })
    }
}
