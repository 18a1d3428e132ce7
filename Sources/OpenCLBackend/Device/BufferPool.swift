import COpenCL
import Wire

/// Memory of one device, taken once and used again, under a hard cap.
///
/// Not for two threads at once: it belongs to its device's session.
@safe final class BufferPool {
    private let library: OpenCLLibrary
    private let context: Context
    /// The most bytes that the device gives.
    private(set) var cap: Int
    /// The most in one piece.
    let largest: Int
    private var idle: [DeviceBuffer] = []
    /// Bytes in all buffers, idle or not.
    private(set) var taken = 0

    init(_ library: OpenCLLibrary, _ context: Context, cap: Int, largest: Int) {
        (self.library, self.context, self.cap, self.largest) = (library, context, cap, largest)
    }

    /// Pieces are whole multiples of this.
    static let grain = 4096

    static func rounded(_ byteCount: Int) -> Int { (max(byteCount, 1) + grain - 1) / grain * grain }

    /// A buffer of at least so many bytes, with anything in it; give it back with `give`.
    ///
    /// - Throws: `memory_limit` over the cap, or where the device has no more.
    func take(_ byteCount: Int) throws(Problem) -> DeviceBuffer {
        guard byteCount <= largest, byteCount <= cap else {
            throw Problem(.memoryLimit, "\(byteCount) bytes are over the device's \(min(cap, largest))")
        }
        let wanted = Self.rounded(byteCount)
        // Of the same size only: a larger one would take what a job has planned for its next.
        if let same = idle.firstIndex(where: { $0.byteCount == wanted }) { return idle.remove(at: same) }
        if taken + wanted > cap { drop() }
        guard taken + wanted <= cap else { throw Problem(.memoryLimit, "\(taken + wanted) bytes are over the device's cap of \(cap)") }
        let buffer: DeviceBuffer
        do throws(Problem) {
            buffer = try create(wanted)
        } catch {
            guard error.code == .memoryLimit, !idle.isEmpty else { throw error }
            drop()
            buffer = try create(wanted)
        }
        taken += wanted
        return buffer
    }

    func give(_ buffer: DeviceBuffer) { idle.append(buffer) }

    /// Gives idle memory back to the device.
    func drop() {
        taken -= idle.reduce(0) { $0 + $1.byteCount }
        idle = []
    }

    /// Sets the cap. Idle memory above it goes back to the device, the oldest first; what is lent stays lent.
    func limit(_ fresh: Int) {
        cap = fresh
        while taken > cap, !idle.isEmpty { taken -= idle.removeFirst().byteCount }
    }

    /// Calls `body` with a lender whose buffers all come back at the end, whatever happens.
    func lend<R>(_ body: (Loan) throws(Problem) -> R) throws(Problem) -> R {
        let loan = Loan(self)
        defer { loan.end() }
        return try body(loan)
    }

    private func create(_ byteCount: Int) throws(Problem) -> DeviceBuffer {
        var status: cl_int = 0
        let raw = unsafe library.functions.clCreateBuffer(context.raw, cl_mem_flags(CL_MEM_READ_WRITE), byteCount, nil, &status)
        try CLStatus.check(status, "clCreateBuffer of \(byteCount) bytes")
        guard let raw = unsafe raw else { throw CLStatus.problem(-4, "clCreateBuffer") }
        let library = library
        return DeviceBuffer(memory: unsafe Memory(raw) { raw in _ = unsafe library.functions.clReleaseMemObject(raw) }, byteCount: byteCount)
    }

    /// Buffers that one job has taken.
    final class Loan {
        private let pool: BufferPool
        private var buffers: [DeviceBuffer] = []

        init(_ pool: BufferPool) { self.pool = pool }

        func take(_ byteCount: Int) throws(Problem) -> DeviceBuffer {
            let buffer = try pool.take(byteCount)
            buffers.append(buffer)
            return buffer
        }

        fileprivate func end() {
            for buffer in buffers { pool.give(buffer) }
            buffers = []
        }
    }
}
