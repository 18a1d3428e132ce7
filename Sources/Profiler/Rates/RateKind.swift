/// What was measured.
package enum RateKind: String, Sendable, CaseIterable, Hashable {
    case gemm, conv2d, attention
    /// The memory of the device itself: STREAM's copy, a byte copied counts as two.
    case memoryCopy = "memory_copy"
    /// Between host and device.
    case toDevice = "to_device"
    case fromDevice = "from_device"
    case sha256
    case sign = "ed25519_sign"
    case verify = "ed25519_verify"

    /// What is counted each second.
    package enum Unit: String, Sendable {
        case operations = "op/s"
        case bytes = "B/s"
        case times = "1/s"
    }

    package var unit: Unit {
        switch self {
        case .gemm, .conv2d, .attention: .operations
        case .memoryCopy, .toDevice, .fromDevice, .sha256: .bytes
        case .sign, .verify: .times
        }
    }

    /// Whether it is arithmetic of a kernel: has an arithmetic, and a peak where one is known.
    package var isKernel: Bool { unit == .operations }
}
