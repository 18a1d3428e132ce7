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
    /// How long a thread of the library spins after a call, as the logarithm to base 2 of processor cycles. By itself it takes 26, which was measured
    /// as 0.1 s of a core after each product, taken from whatever follows: hashing the output, the next job by another library. 2^20 still
    /// spans the pauses between the calls of one product.
    private static let spin = (variable: "OPENBLAS_THREAD_TIMEOUT", value: "20")

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

    /// Runs `body` with the variable set to this, and with a short spin unless the operator asks for another; puts back what was there.
    ///
    /// Writers take turns here; a thread that reads the environment at this moment without a lock could see it change, so
    /// libraries are loaded at start-up, before the services.
    func asEnvironment<R>(_ body: () throws(Problem) -> R) throws(Problem) -> R {
        try Self.environment.withLock { _ throws(Problem) in
            let (before, spin) = (Self.value(Self.variable), Self.value(Self.spin.variable))
            defer {
                Self.set(Self.variable, before)
                Self.set(Self.spin.variable, spin)
            }
            Self.set(Self.variable, self == .detected ? nil : rawValue)
            Self.set(Self.spin.variable, spin ?? Self.spin.value)
            return try body()
        }
    }

    private static let environment = Mutex(())

    private static func value(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    private static func set(_ name: String, _ value: String?) {
        if let value { unsafe setenv(name, value, 1) } else { unsafe unsetenv(name) }
    }
}
