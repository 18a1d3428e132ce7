import CKernels
package import Kernels
import Synchronization
package import Wire

/// The CPU's peak by format: its multiply-adds in registers, on all threads.
package final class NativePeak: RoofSource {
    package let instructionSet: InstructionSet
    package let threads: Int
    /// Turns per second of each kind, from its last run: how a duration becomes a number of turns.
    private let pace = Mutex<[Int32: Double]>([:])
    /// A first guess, for a processor of 1 GHz that does one instruction at a time; it only makes the first call short.
    private static let slowest = 1e9 / 12
    /// More than a loop may be asked for at once: it can't be stopped.
    private static let longest = Duration.milliseconds(500)

    package init(instructionSet: InstructionSet, threads: Int) {
        (self.instructionSet, self.threads) = (instructionSet, max(1, threads))
    }

    package func peakName(_ dtype: DType) -> String? {
        guard let kind = Self.kind(dtype), let name = unsafe adit_peak_name(instructionSet.rawValue, kind) else { return nil }
        return unsafe String(cString: name)
    }

    package func runPeak(_ dtype: DType, about duration: Duration) throws(Problem) -> Int64? {
        guard let kind = Self.kind(dtype), peakName(dtype) != nil else { return nil }
        let wanted = min(max(duration, .microseconds(10)), Self.longest).seconds
        let turns = max(1, Int64(wanted * (pace.withLock { $0[kind] } ?? Self.slowest)))
        let clock = ContinuousClock()
        let start = clock.now
        var run = unsafe KernelCall(instructionSet: instructionSet, threads: threads).quiet
        let operations = unsafe adit_peak(&run, kind, turns)
        let took = (clock.now - start).seconds
        guard operations > 0 else { return nil }
        // Bounded, so that a clock that stood still doesn't make the next run endless.
        pace.withLock { $0[kind] = min(max(Double(turns) / max(took, 1e-9), Self.slowest / 100), Self.slowest * 100) }
        return operations
    }

    private static func kind(_ dtype: DType) -> Int32? {
        switch dtype {
        case .f32: Int32(ADIT_PEAK_F32)
        case .f64: Int32(ADIT_PEAK_F64)
        case .i8: Int32(ADIT_PEAK_I8)
        case .bf16: Int32(ADIT_PEAK_BF16)
        case .i32, .i64: nil
        }
    }
}
