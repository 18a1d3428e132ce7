import Glibc
import Synchronization
import Wire

/// The kernels that OpenBLAS is to use: a value of its variable OPENBLAS_CORETYPE.
///
/// The variable is read once, when a copy of the library is loaded. Whatever the operator's environment says is looked at
/// by nobody: an inherited value can halve the speed without a word.
package enum CoreType: String, CaseIterable, Sendable {
    /// What the library detects by itself: the variable unset.
    case detected = ""
    case skylakeX = "SkylakeX"
    case cooperlake = "Cooperlake"
    case haswell = "Haswell"
    case zen = "Zen"

    static let variable = "OPENBLAS_CORETYPE"

    /// Whether the processor has the instructions that these kernels need.
    package var isRunnable: Bool {
        switch self {
        case .detected: true
        case .haswell, .zen: Self.features.isSuperset(of: ["avx2", "fma"])
        case .skylakeX, .cooperlake: Self.features.isSuperset(of: ["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"])
        }
    }

    /// The processor's flags as Linux names them; empty where it doesn't say (not x86-64).
    private static let features: Set<Substring> = {
        guard let file = unsafe fopen("/proc/cpuinfo", "r") else { return [] }
        defer { unsafe fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, file) > 0, let text = unsafe line.map({ unsafe String(cString: $0) }) {
            if text.hasPrefix("flags") { return Set(text.split(whereSeparator: \.isWhitespace)) }
        }
        return []
    }()

    /// Runs `body` with the variable set to this, and puts back what was there.
    ///
    /// Writers take turns here; a thread that reads the environment at this moment without a lock could see it change, so
    /// libraries are loaded at start-up, before the services.
    func asEnvironment<R>(_ body: () throws(Problem) -> R) throws(Problem) -> R {
        try Self.environment.withLock { _ throws(Problem) in
            let before = unsafe getenv(Self.variable).map { unsafe String(cString: $0) }
            defer { Self.set(before) }
            Self.set(self == .detected ? nil : rawValue)
            return try body()
        }
    }

    private static let environment = Mutex(())

    private static func set(_ value: String?) {
        if let value { unsafe setenv(variable, value, 1) } else { unsafe unsetenv(variable) }
    }
}
