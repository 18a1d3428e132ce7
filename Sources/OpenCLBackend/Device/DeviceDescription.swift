import COpenCL
import Wire

/// What a device says about itself, read once: what it is, and what it can do.
@dynamicMemberLookup
package struct DeviceDescription: Sendable {
    package let identity: DeviceIdentity
    package let largestBuffer: Int
    package let localBytes: Int
    package let largestGroup: Int
    /// Whether device and host share their memory, so that nothing has to be copied.
    package let sharesHostMemory: Bool
    package let isLittleEndian: Bool
    /// Whether F32 and F64 keep subnormals, round to nearest, have infinities and NaNs and a fused multiply-add: what panel-256 needs.
    package let keepsF32: Bool
    package let keepsF64: Bool
    package let roundsF32Division: Bool
    package let extensions: Set<String>
    package var hasF64: Bool { extensions.contains("cl_khr_fp64") }
    package var isNVIDIA: Bool { identity.vendor.lowercased().contains("nvidia") }
    package var isAMD: Bool { identity.vendor.lowercased().contains("advanced micro devices") && identity.kind == .gpu }

    package subscript<Value>(dynamicMember member: KeyPath<DeviceIdentity, Value>) -> Value { identity[keyPath: member] }

    /// - Throws: `backend_unavailable` if the device doesn't answer, or lacks a compiler or the whole profile.
    init(_ library: OpenCLLibrary, _ device: cl_device_id, platform: String) throws(Problem) {
        let query = try unsafe DeviceQuery(library, device)
        identity = try DeviceIdentity(query, platform: platform)
        guard try query.flag(CL_DEVICE_AVAILABLE) else { throw Problem(.backendUnavailable, "the device is not available") }
        guard try query.flag(CL_DEVICE_COMPILER_AVAILABLE) else { throw Problem(.backendUnavailable, "the driver has no compiler") }
        let version = identity.version
        guard !version.hasPrefix("OpenCL 1.0"), !version.hasPrefix("OpenCL 1.1") else { throw Problem(.backendUnavailable, "\(version) is older than 1.2") }
        largestBuffer = Int(clamping: try query.value(CL_DEVICE_MAX_MEM_ALLOC_SIZE) as cl_ulong)
        localBytes = Int(clamping: try query.value(CL_DEVICE_LOCAL_MEM_SIZE) as cl_ulong)
        largestGroup = try query.value(CL_DEVICE_MAX_WORK_GROUP_SIZE)
        // A number of items is a product of these: a driver out of its mind must not make it overflow, nor divide by none.
        guard (1...1 << 16).contains(identity.computeUnits), (1...1 << 20).contains(largestGroup) else {
            throw Problem(.backendUnavailable, "the driver counts \(identity.computeUnits) compute units and groups of \(largestGroup) items")
        }
        sharesHostMemory = try query.flag(CL_DEVICE_HOST_UNIFIED_MEMORY)
        isLittleEndian = try query.flag(CL_DEVICE_ENDIAN_LITTLE)
        extensions = query.extensions
        let single: cl_device_fp_config = try query.value(CL_DEVICE_SINGLE_FP_CONFIG)
        keepsF32 = Self.keeps(single)
        roundsF32Division = single & cl_device_fp_config(CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0
        let double: cl_device_fp_config = extensions.contains("cl_khr_fp64") ? try query.value(CL_DEVICE_DOUBLE_FP_CONFIG) : 0
        keepsF64 = Self.keeps(double)
        guard isLittleEndian else { throw Problem(.backendUnavailable, "the device is big-endian") }
    }

    private static func keeps(_ config: cl_device_fp_config) -> Bool {
        let needed = cl_device_fp_config(CL_FP_DENORM | CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST | CL_FP_FMA)
        return config & needed == needed && config & cl_device_fp_config(CL_FP_SOFT_FLOAT) == 0
    }
}

/// `clGetDeviceInfo` in Swift's types.
@safe struct DeviceQuery {
    let library: OpenCLLibrary
    let device: cl_device_id
    let extensions: Set<String>

    init(_ library: OpenCLLibrary, _ device: cl_device_id) throws(Problem) {
        unsafe (self.library, self.device) = (library, device)
        let names = try unsafe Self.text(library, device, CL_DEVICE_EXTENSIONS)
        extensions = Set(names.split(separator: " ").map(String.init))
    }

    func value<T: FixedWidthInteger>(_ parameter: Int32) throws(Problem) -> T {
        var value: T = 0
        let status = unsafe library.functions.clGetDeviceInfo(device, cl_device_info(parameter), MemoryLayout<T>.size, &value, nil)
        try CLStatus.check(status, "clGetDeviceInfo")
        return value
    }

    func flag(_ parameter: Int32) throws(Problem) -> Bool { try value(parameter) as cl_bool != 0 }

    func text(_ parameter: Int32) throws(Problem) -> String { try unsafe Self.text(library, device, parameter) }

    private static func text(_ library: OpenCLLibrary, _ device: cl_device_id, _ parameter: Int32) throws(Problem) -> String {
        try unsafe CLText.read("clGetDeviceInfo") { size, bytes, needed in
            unsafe library.functions.clGetDeviceInfo(device, cl_device_info(parameter), size, bytes, needed)
        }
    }
}

/// OpenCL's way to give a text: its size first, then its bytes with a zero at the end.
enum CLText {
    /// More than any name, list of extensions or build log that is worth reading.
    private static let limit = 1 << 20

    static func read(
        _ function: String, _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
    ) throws(Problem) -> String {
        var size = 0
        try CLStatus.check(unsafe query(0, nil, &size), function)
        guard size > 0 else { return "" }
        guard size <= limit else { throw Problem(.backendUnavailable, "\(function) gives a text of \(size) bytes") }
        var bytes = [UInt8](repeating: 0, count: size)
        let status = unsafe bytes.withUnsafeMutableBytes { raw in unsafe query(size, raw.baseAddress, nil) }
        try CLStatus.check(status, function)
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
