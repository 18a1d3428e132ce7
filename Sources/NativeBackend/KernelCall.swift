import CKernels
import Kernels
import Wire

/// One call of the C kernels: their status as a problem, their progress to a `RunControl`.
struct KernelCall {
    let instructionSet: InstructionSet
    let threads: Int

    /// A run that nobody listens to.
    var quiet: adit_run { unsafe adit_run(isa: instructionSet.rawValue, threads: Int32(clamping: threads), step: nil, context: nil, held: nil) }

    /// Calls `body` with a run that reports to `control` and stops when that says so.
    ///
    /// - Parameter operations: all there are, for the share done.
    func run(_ control: RunControl, operations: Int64, _ body: (UnsafePointer<adit_run>) -> Int32) throws(Problem) {
        let listener = Listener(control, operations)
        let status = withExtendedLifetime(listener) {
            var run = unsafe quiet
            unsafe run.context = Unmanaged.passUnretained(listener).toOpaque()
            unsafe run.held = UnsafePointer(listener.held)
            unsafe run.step = { context, done in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<Listener>.fromOpaque(context).takeUnretainedValue().step(done) ? 0 : 1
            }
            return unsafe body(&run)
        }
        try Self.check(status)
    }

    static func check(_ status: Int32) throws(Problem) {
        switch Int(status) {
        case ADIT_OK: return
        case ADIT_NO_MEMORY: throw Problem(.memoryLimit, "no memory for the product's working blocks")
        case ADIT_CANCELED: throw Problem(.canceled, "the run was canceled")
        default: throw Problem(.internalError, "the kernels refused their arguments")
        }
    }
}

/// What a computing thread calls, from C, one at a time.
///
/// `@unchecked Sendable`: what `held` points to is written by `adit_hold` and read by C alone, atomically.
@safe private final class Listener: @unchecked Sendable {
    private let control: RunControl
    private let operations: Double
    /// Not 0 while the other threads are to stand still.
    let held: UnsafeMutablePointer<Int32>

    init(_ control: RunControl, _ operations: Int64) {
        self.control = control
        self.operations = Double(max(operations, 1))
        unsafe held = .allocate(capacity: 1)
        unsafe held.initialize(to: 0)
    }

    deinit { unsafe held.deallocate() }

    /// False once the run is to stop.
    func step(_ done: Int64) -> Bool {
        let isHeld = control.isHeld
        if isHeld { unsafe adit_hold(held, true) }
        defer { if isHeld { unsafe adit_hold(held, false) } }
        do throws(Problem) {
            try control.step(Double(done) / operations)
            return true
        } catch {
            return false
        }
    }
}
