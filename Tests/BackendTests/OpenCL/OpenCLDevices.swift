import Foundation
import Kernels
import Testing

@testable import OpenCLBackend

/// The OpenCL devices of this machine, opened once for all tests; PoCL's processor among them.
enum OpenCLDevices {
    /// A folder of this run's, so that programs are compiled at least once.
    static let folder = FileManager.default.temporaryDirectory.appending(path: "adit-opencl-\(ProcessInfo.processInfo.processIdentifier)").path

    static var options: OpenCLOptions {
        var options = OpenCLOptions()
        options.cacheFolder = folder
        options.includesCPUs = true
        options.isMeasured = false
        return options
    }

    static let opened = OpenCLBackend.open(options)
    static var backends: [OpenCLBackend] { opened.backends }
    static let found = (try? DeviceDiscovery.find().devices) ?? []

    static var missing: Comment { "no OpenCL device on this machine" }
}
