import COpenCL
import Wire

/// What a kernel is called with.
enum Argument {
    case buffer(DeviceBuffer)
    case int(Int)
    case long(Int)
}

/// One device at work: its context, three queues in order (in, compute, out), programs and memory.
///
/// `@unchecked Sendable`: not for two threads at once, and never used so: `OpenCLBackend` keeps it behind a lock. Waits happen on the
/// caller's thread.
@safe final class DeviceSession: @unchecked Sendable {
    let device: FoundDevice
    let context: Context
    let upload: Queue
    let compute: Queue
    let download: Queue
    let programs: ProgramBuilder
    let pool: BufferPool
    /// Whether tensors are used where they lie. Only where host and device share memory.
    let isShared: Bool

    var library: OpenCLLibrary { device.library }

    init(_ device: FoundDevice, cache: ProgramCache, memoryCap: Int, isShared: Bool) throws(Problem) {
        let library = device.library
        var id: cl_device_id? = unsafe device.id
        var status: cl_int = 0
        let raw = unsafe library.functions.clCreateContext(nil, 1, &id, nil, nil, &status)
        try CLStatus.check(status, "clCreateContext")
        guard let raw = unsafe raw else { throw CLStatus.problem(-34, "clCreateContext") }
        context = unsafe Context(raw) { raw in _ = unsafe library.functions.clReleaseContext(raw) }
        self.device = device
        upload = try Self.queue(device, context)
        compute = try Self.queue(device, context)
        download = try Self.queue(device, context)
        programs = ProgramBuilder(device, context, cache)
        pool = BufferPool(library, context, cap: memoryCap, largest: device.description.largestBuffer)
        self.isShared = isShared
    }

    private static func queue(_ device: FoundDevice, _ context: Context) throws(Problem) -> Queue {
        let library = device.library
        var status: cl_int = 0
        let raw = unsafe library.functions.clCreateCommandQueue(context.raw, device.id, 0, &status)
        try CLStatus.check(status, "clCreateCommandQueue")
        guard let raw = unsafe raw else { throw CLStatus.problem(-36, "clCreateCommandQueue") }
        return unsafe Queue(raw) { raw in
            // A release only flushes; what still runs may write into memory that its owner thinks is free.
            _ = unsafe library.functions.clFinish(raw)
            _ = unsafe library.functions.clReleaseCommandQueue(raw)
        }
    }

    /// Puts one call of a kernel into the compute queue.
    ///
    /// - Parameters:
    ///   - global: work-items along each dimension, a multiple of `local`'s.
    ///   - events: what it has to wait for.
    func call(_ function: Function, _ arguments: [Argument], global: [Int], local: [Int], after events: [Event] = []) throws(Problem) -> Event {
        for (index, argument) in arguments.enumerated() { try set(function, cl_uint(index), argument) }
        return try unsafe enqueued("clEnqueueNDRangeKernel", after: events) { count, list, event in
            unsafe library.functions.clEnqueueNDRangeKernel(compute.raw, function.raw, cl_uint(global.count), nil, global, local, count, list, event)
        }
    }

    private func set(_ function: Function, _ index: cl_uint, _ argument: Argument) throws(Problem) {
        let status: cl_int
        switch argument {
        case .buffer(let buffer):
            var memory: cl_mem? = unsafe buffer.memory.raw
            status = unsafe library.functions.clSetKernelArg(function.raw, index, MemoryLayout<cl_mem?>.size, &memory)
        case .int(let value):
            var number = cl_int(clamping: value)
            status = unsafe library.functions.clSetKernelArg(function.raw, index, MemoryLayout<cl_int>.size, &number)
        case .long(let value):
            var number = cl_long(value)
            status = unsafe library.functions.clSetKernelArg(function.raw, index, MemoryLayout<cl_long>.size, &number)
        }
        try CLStatus.check(status, "clSetKernelArg \(index)")
    }

    /// Everything put into the compute queue from here on waits for `events`.
    func hold(for events: [Event]) throws(Problem) {
        guard !events.isEmpty else { return }
        _ = try unsafe enqueued("clEnqueueBarrierWithWaitList", after: events) { count, list, event in
            unsafe library.functions.clEnqueueBarrierWithWaitList(compute.raw, count, list, event)
        }
    }

    /// Runs an enqueueing function with a list of events, and owns the event that it gives.
    func enqueued(
        _ name: String, after events: [Event] = [],
        _ body: (cl_uint, UnsafePointer<cl_event?>?, UnsafeMutablePointer<cl_event?>) -> cl_int
    ) throws(Problem) -> Event {
        var event: cl_event?
        let list = unsafe events.map { event -> cl_event? in unsafe event.raw }
        let status = unsafe list.withUnsafeBufferPointer { list in
            unsafe body(cl_uint(list.count), list.isEmpty ? nil : list.baseAddress, &event)
        }
        try CLStatus.check(status, name)
        return try unsafe own(event, name)
    }

    func own(_ event: cl_event?, _ name: String) throws(Problem) -> Event {
        guard let event = unsafe event else { throw CLStatus.problem(-58, name) }
        let library = library
        return unsafe Event(event) { raw in _ = unsafe library.functions.clReleaseEvent(raw) }
    }

    func flush(_ queue: Queue) throws(Problem) { try CLStatus.check(unsafe library.functions.clFlush(queue.raw), "clFlush") }

    func finish(_ queue: Queue) throws(Problem) { try CLStatus.check(unsafe library.functions.clFinish(queue.raw), "clFinish") }

    /// Blocks the calling thread until the command is done.
    func wait(_ event: Event) throws(Problem) {
        var raw: cl_event? = unsafe event.raw
        try CLStatus.check(unsafe library.functions.clWaitForEvents(1, &raw), "clWaitForEvents")
    }

    /// Waits for whatever still runs, after an error or a cancellation: buffers may not be lent again before.
    func settle() {
        for queue in [upload, compute, download] { _ = unsafe library.functions.clFinish(queue.raw) }
    }
}
