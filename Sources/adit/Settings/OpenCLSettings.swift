import OpenCLBackend
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
        switch settings.text("MINER_OPENCL", nil, default: "gpu") {
        case "gpu": break
        case "all": options.includesCPUs = true
        case "off": return nil
        case let other: throw Problem(.outOfRange, "MINER_OPENCL is \"\(other)\"; it must be gpu, all or off")
        }
        let megabytes = try settings.integer("MINER_OPENCL_MEMORY_MB", in: 0...1 << 30, default: 0)
        options.memoryCap = megabytes > 0 ? megabytes << 20 : nil
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
