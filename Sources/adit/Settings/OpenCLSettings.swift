import OpenCLBackend
import Operations
import Wire

/// What the operator decided about OpenCL's devices.
enum OpenCLSettings {
    /// `MINER_OPENCL`: `gpu` (default), `all` for CPUs behind OpenCL too, `off`; `MINER_OPENCL_MEMORY_MB`.
    ///
    /// - Parameter folder: the miner's, where programs and measurements are kept; nil: the user's cache.
    /// - Returns: nil where OpenCL isn't wanted.
    /// - Throws: `out_of_range` for another value.
    static func options(_ settings: Settings, folder: String? = nil) throws(Problem) -> OpenCLOptions? {
        var options = OpenCLOptions()
        let devices = settings.text(.minerOpenCL)
        try Setting.minerOpenCL.check(devices)
        if devices == "off" { return nil }
        options.includesCPUs = devices == "all"
        options.memoryCap = try LimitSettings.limits(settings).deviceMemoryBytes.map { Int(clamping: $0) }
        options.cacheFolder = folder.map { "\($0)/opencl" } ?? cache(settings)
        options.probe = OpenCLProbe.command(options)
        return options
    }

    /// Where XDG puts what may be lost: $XDG_CACHE_HOME or ~/.cache.
    private static func cache(_ settings: Settings) -> String? {
        if let folder = settings.text("XDG_CACHE_HOME", nil) { return "\(folder)/adit/opencl" }
        return settings.text("HOME", nil).map { "\($0)/.cache/adit/opencl" }
    }
}
