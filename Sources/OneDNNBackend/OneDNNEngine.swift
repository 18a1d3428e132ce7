import COneDNN
import Kernels
import Wire

/// oneDNN's engine and stream on this machine's cores: what every kind of work in this room is built on.
///
/// The way to add a kind of work: fill one of oneDNN's operation descriptors with `descriptor(…)`s of the tensors as they lie in memory,
/// make a `OneDNNPlan` of it (kept in `OneDNN.plans` by a key that holds every shape), and run it with the tensors' addresses. All calls for
/// work go through `OneDNN.exclusively`, one at a time, since the library keeps scratch memory for each thread and the threads are shared.
///
/// `@unchecked Sendable`: engine and stream are used behind `OneDNN`'s lock only; they are never destroyed (see `OneDNNLibrary`).
@safe final class OneDNNEngine: @unchecked Sendable {
    let library: OneDNNLibrary
    /// Changed behind `OneDNN`'s lock only, and no plan outlasts a change.
    var threads: Int
    let engine: dnnl_engine_t
    let stream: dnnl_stream_t
    let callLength = CallLength()

    /// - Throws: `backend_unavailable` without the library or without an engine of its.
    init(_ library: OneDNNLibrary, threads: Int) throws(Problem) {
        self.library = library
        self.threads = max(1, threads)
        var engine: dnnl_engine_t?
        var stream: dnnl_stream_t?
        guard unsafe library.engineCreate(&engine, dnnl_cpu, 0) == dnnl_success, let engine = unsafe engine,
            unsafe library.streamCreate(&stream, engine, dnnl_stream_default_flags.rawValue) == dnnl_success, let stream = unsafe stream
        else { throw Problem(.backendUnavailable, "oneDNN has no engine for this processor") }
        (unsafe self.engine, unsafe self.stream) = unsafe (engine, stream)
    }

    /// A tensor in memory, packed row by row, or as `strides` (in elements) say.
    ///
    /// - Throws: `out_of_range` for what oneDNN can't describe.
    func descriptor(_ dtype: dnnl_data_type_t, _ shape: [Int], strides: [Int]? = nil) throws(Problem) -> dnnl_memory_desc_t {
        var result = dnnl_memory_desc_t()
        var packed = Array(repeating: 1, count: shape.count)
        for index in shape.indices.dropLast().reversed() {
            let (stride, overflow) = packed[index + 1].multipliedReportingOverflow(by: max(1, shape[index + 1]))
            guard !overflow else { throw Problem(.outOfRange, "a tensor of \(shape) is too large") }
            packed[index] = stride
        }
        let status = unsafe library.describeByStrides(&result, Int32(shape.count), shape.map(Int64.init), dtype, (strides ?? packed).map(Int64.init))
        guard status == dnnl_success else { throw Problem(.outOfRange, "oneDNN can't describe a tensor of \(shape)") }
        return result
    }

    /// A tensor whose layout the library may choose: the plan then says which (`OneDNNPlan.descriptor(of:)`), and a reorder brings it there.
    func descriptorOfAnyLayout(_ dtype: dnnl_data_type_t, _ shape: [Int]) throws(Problem) -> dnnl_memory_desc_t {
        var result = dnnl_memory_desc_t()
        let status = unsafe library.describeByTag(&result, Int32(shape.count), shape.map(Int64.init), dtype, dnnl_format_tag_any)
        guard status == dnnl_success else { throw Problem(.outOfRange, "oneDNN can't describe a tensor of \(shape)") }
        return result
    }

    /// Bytes of a tensor in that layout.
    func byteCount(_ descriptor: dnnl_memory_desc_t) -> Int {
        unsafe withUnsafePointer(to: descriptor) { pointer in unsafe Int(library.descriptorSize(pointer)) }
    }
}
