import CKernels
package import Wire

/// A way through our own kernels, by the vector instructions it uses. All give the same bits.
package enum InstructionSet: Int32, CaseIterable, Sendable, Comparable {
    case portable = 0
    /// AVX2 with FMA.
    case avx2 = 1
    /// AVX-512 F, BW, DQ, VL and VNNI.
    case avx512 = 2

    /// Lower case, as in a device's name.
    package var name: String {
        switch self {
        case .portable: "portable"
        case .avx2: "avx2"
        case .avx512: "avx512"
        }
    }

    /// Whether this processor and operating system have the instructions.
    package var isAvailable: Bool { adit_isa_available(rawValue) }

    package static func < (left: InstructionSet, right: InstructionSet) -> Bool { left.rawValue < right.rawValue }

    /// The processor's features that our kernels know of, such as `avx2 fma`.
    package static var cpuFeatures: String { unsafe String(cString: adit_cpu_features()) }

    /// The fastest available one whose self-test gives the known answers; tried once in a process.
    ///
    /// - Throws: `backend_unavailable` if not even portable code computes right here.
    package static func best() throws(Problem) -> InstructionSet {
        guard let best = tested else { throw Problem(.backendUnavailable, "no instruction set of this processor gives the known answers") }
        return best
    }

    /// `wanted`, or the best if that is nil. Throws `backend_unavailable` if the processor lacks it.
    static func usable(_ wanted: InstructionSet?) throws(Problem) -> InstructionSet {
        guard let wanted else { return try best() }
        guard wanted.isAvailable else { throw Problem(.backendUnavailable, "this processor has no \(wanted.name)") }
        return wanted
    }

    private static let tested: InstructionSet? = allCases.sorted(by: >).first { $0.isAvailable && SelfTest.passes($0) }
}
