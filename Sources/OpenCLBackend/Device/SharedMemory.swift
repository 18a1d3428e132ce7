import COpenCL
import Wire

/// A tensor's memory as a device sees it, where host and device share theirs: nothing is copied.
extension DeviceSession {
    /// - Throws: `backend_unavailable` or `memory_limit` where the driver doesn't take the memory.
    func wrap(_ memory: UnsafeRawBufferPointer) throws(Problem) -> DeviceBuffer {
        var status: cl_int = 0
        // Written only where a kernel's output is; a mapped file's tensor is an input.
        let flags = cl_mem_flags(CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR)
        let base = unsafe UnsafeMutableRawPointer(mutating: memory.baseAddress)
        let raw = unsafe library.functions.clCreateBuffer(context.raw, flags, memory.count, base, &status)
        try CLStatus.check(status, "clCreateBuffer of host memory")
        guard let raw = unsafe raw else { throw CLStatus.problem(-4, "clCreateBuffer") }
        let library = library
        return DeviceBuffer(memory: unsafe Memory(raw) { raw in _ = unsafe library.functions.clReleaseMemObject(raw) }, byteCount: memory.count)
    }

    /// Makes what kernels wrote into wrapped memory visible to the host. Blocks until they are done.
    func publish(_ buffer: DeviceBuffer) throws(Problem) {
        var status: cl_int = 0
        let flags = cl_map_flags(CL_MAP_READ)
        let mapped = unsafe library.functions.clEnqueueMapBuffer(
            compute.raw, buffer.memory.raw, cl_bool(CL_TRUE), flags, 0, buffer.byteCount, 0, nil, nil, &status)
        try CLStatus.check(status, "clEnqueueMapBuffer")
        _ = unsafe library.functions.clEnqueueUnmapMemObject(compute.raw, buffer.memory.raw, mapped, 0, nil, nil)
        try finish(compute)
    }
}
