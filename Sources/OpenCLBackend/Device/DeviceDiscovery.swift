import COpenCL
import Wire

/// One device that was found: its handle, which lives as long as the process, and what it says about itself.
///
/// `@unchecked Sendable`: a root device's id is a constant of its driver.
@safe struct FoundDevice: @unchecked Sendable {
    let id: cl_device_id
    let library: OpenCLLibrary
    let description: DeviceDescription
}

/// Looks for every device of every platform. What errs is left out with its reason, and the rest go on.
enum DeviceDiscovery {
    /// More platforms or devices than a machine has: a driver that says more is out of its mind.
    private static let limit: cl_uint = 64

    /// - Returns: the devices in the drivers' order, and why others are missing, in sentences.
    /// - Throws: `backend_unavailable` without OpenCL.
    static func find() throws(Problem) -> (devices: [FoundDevice], notes: [String]) {
        let library = try OpenCLLibrary.shared.get()
        var notes: [String] = []
        var devices: [FoundDevice] = []
        let platforms = unsafe try platforms(library)
        for index in unsafe platforms.indices {
            do throws(Problem) {
                let platform = unsafe platforms[index]
                let name = try unsafe platformName(library, platform)
                let ids = unsafe try ids(library, platform)
                for index in unsafe ids.indices {
                    do throws(Problem) {
                        let device = unsafe ids[index]
                        let description = try unsafe DeviceDescription(library, device, platform: name)
                        unsafe devices.append(FoundDevice(id: device, library: library, description: description))
                    } catch {
                        notes.append("a device of OpenCL platform \(name) is left out: \(error.detail)")
                    }
                }
            } catch {
                notes.append("OpenCL platform \(index) is left out: \(error.detail)")
            }
        }
        if devices.isEmpty, notes.isEmpty { notes.append("OpenCL has no device: no driver is installed (ICD)") }
        return (devices, notes)
    }

    private static func platforms(_ library: OpenCLLibrary) throws(Problem) -> [cl_platform_id] {
        var count: cl_uint = 0
        let status = unsafe library.functions.clGetPlatformIDs(0, nil, &count)
        // What the loader says where no driver is installed.
        if status == -1001 { return unsafe [] }
        try CLStatus.check(status, "clGetPlatformIDs")
        count = min(count, limit)
        guard count > 0 else { return unsafe [] }
        var ids = unsafe [cl_platform_id?](repeating: nil, count: Int(count))
        try CLStatus.check(unsafe library.functions.clGetPlatformIDs(count, &ids, nil), "clGetPlatformIDs")
        return unsafe ids.compactMap { unsafe $0 }
    }

    private static func platformName(_ library: OpenCLLibrary, _ platform: cl_platform_id) throws(Problem) -> String {
        try unsafe CLText.read("clGetPlatformInfo") { size, bytes, needed in
            unsafe library.functions.clGetPlatformInfo(platform, cl_platform_info(CL_PLATFORM_NAME), size, bytes, needed)
        }
    }

    private static func ids(_ library: OpenCLLibrary, _ platform: cl_platform_id) throws(Problem) -> [cl_device_id] {
        var count: cl_uint = 0
        let all = cl_device_type(CL_DEVICE_TYPE_ALL)
        let status = unsafe library.functions.clGetDeviceIDs(platform, all, 0, nil, &count)
        if status == CL_DEVICE_NOT_FOUND { return unsafe [] }
        try CLStatus.check(status, "clGetDeviceIDs")
        count = min(count, limit)
        guard count > 0 else { return unsafe [] }
        var ids = unsafe [cl_device_id?](repeating: nil, count: Int(count))
        try CLStatus.check(unsafe library.functions.clGetDeviceIDs(platform, all, count, &ids, nil), "clGetDeviceIDs")
        return unsafe ids.compactMap { unsafe $0 }
    }
}
