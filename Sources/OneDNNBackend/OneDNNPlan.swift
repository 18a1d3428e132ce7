import COneDNN
import Glibc
import Wire

/// One primitive of oneDNN, compiled for its shapes, layouts and number of threads: made once (about a millisecond), run often.
///
/// `@unchecked Sendable`: used behind `OneDNN`'s lock only.
@safe final class OneDNNPlan: @unchecked Sendable {
    private let engine: OneDNNEngine
    private let primitive: dnnl_primitive_t
    /// The arguments in the caller's order, each with a memory object whose address every run sets anew.
    private let arguments: [dnnl_exec_arg_t]
    private let descriptors: [dnnl_memory_desc_t]
    /// The primitive's scratch memory; nil where it needs none.
    private let scratch: UnsafeMutableRawPointer?
    /// The code that the library chose, such as `brg:avx512_core_vnni`.
    let implementation: String

    /// - Parameters:
    ///   - operation: one of oneDNN's operation descriptors, such as `dnnl_matmul_desc_t`.
    ///   - arguments: the `DNNL_ARG_…` of the tensors, in the order in which `run` gets their addresses.
    /// - Throws: `unsupported_dtype` where the library has no code for it; `memory_limit`, `internal_error`.
    convenience init(_ engine: OneDNNEngine, operation: UnsafeRawPointer, arguments: [Int32], _ what: String) throws(Problem) {
        // The number of threads goes into the code that is made.
        engine.library.useThreads(engine.threads)
        var description: dnnl_primitive_desc_t?
        try unsafe Self.withAttributes(engine.library) { attributes throws(Problem) in
            try unsafe engine.library.check(engine.library.primitiveDescCreate(&description, operation, attributes, engine.engine, nil), what)
        }
        guard let description = unsafe description else { throw Problem(.internalError, "oneDNN gave no \(what)") }
        try unsafe self.init(engine, owning: description, arguments: arguments, what)
    }

    /// A plan that copies a tensor from one layout to another: two addresses, source and target.
    convenience init(_ engine: OneDNNEngine, reorder from: dnnl_memory_desc_t, to target: dnnl_memory_desc_t) throws(Problem) {
        engine.library.useThreads(engine.threads)
        var description: dnnl_primitive_desc_t?
        try unsafe Self.withAttributes(engine.library) { attributes throws(Problem) in
            let status = unsafe withUnsafePointer(to: from) { from in
                unsafe withUnsafePointer(to: target) { target in
                    unsafe engine.library.reorderDescCreate(&description, from, engine.engine, target, engine.engine, attributes)
                }
            }
            try engine.library.check(status, "reorder")
        }
        guard let description = unsafe description else { throw Problem(.internalError, "oneDNN gave no reorder") }
        try unsafe self.init(engine, owning: description, arguments: [DNNL_ARG_FROM, DNNL_ARG_TO], "reorder")
    }

    /// Scratch memory is ours, one block a plan. The library's own belongs to the thread that makes a primitive, and a run on another thread
    /// finds none: jobs run on threads of their own.
    private static func withAttributes(_ library: OneDNNLibrary, _ body: (dnnl_primitive_attr_t) throws(Problem) -> Void) throws(Problem) {
        var attributes: dnnl_primitive_attr_t?
        try unsafe library.check(library.attributeCreate(&attributes), "attributes")
        guard let attributes = unsafe attributes else { throw Problem(.internalError, "oneDNN gave no attributes") }
        defer { _ = unsafe library.attributeDestroy(attributes) }
        try unsafe library.check(library.attributeSetScratchpad(attributes, dnnl_scratchpad_mode_user), "attributes")
        try unsafe body(attributes)
    }

    private init(_ engine: OneDNNEngine, owning description: dnnl_primitive_desc_t, arguments: [Int32], _ what: String) throws(Problem) {
        let library = engine.library
        defer { _ = unsafe library.primitiveDescDestroy(description) }
        var primitive: dnnl_primitive_t?
        try unsafe library.check(library.primitiveCreate(&primitive, description), what)
        guard let primitive = unsafe primitive else { throw Problem(.internalError, "oneDNN gave no \(what)") }
        var made: [dnnl_exec_arg_t] = unsafe []
        var descriptors: [dnnl_memory_desc_t] = []
        var problem: Problem?
        for argument in arguments where problem == nil {
            var memory: dnnl_memory_t?
            if let descriptor = unsafe library.primitiveDescQueryMemory(description, dnnl_query_exec_arg_md, argument),
                unsafe library.memoryCreate(&memory, descriptor, engine.engine, nil) == dnnl_success, let memory = unsafe memory
            {
                unsafe made.append(dnnl_exec_arg_t(arg: argument, memory: memory))
                unsafe descriptors.append(descriptor.pointee)
            } else {
                problem = Problem(.internalError, "oneDNN gave no memory for argument \(argument) of \(what)")
            }
        }
        var scratch: UnsafeMutableRawPointer?
        if problem == nil, let descriptor = unsafe library.primitiveDescQueryMemory(description, dnnl_query_scratchpad_md, 0) {
            let size = unsafe library.descriptorSize(descriptor)
            var memory: dnnl_memory_t?
            if size > 0 {
                if unsafe posix_memalign(&scratch, 64, size) == 0, unsafe library.memoryCreate(&memory, descriptor, engine.engine, scratch) == dnnl_success,
                    let memory = unsafe memory
                {
                    unsafe made.append(dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: memory))
                } else {
                    problem = Problem(.memoryLimit, "no memory for \(size) bytes of scratch of \(what)")
                }
            }
        }
        if let problem {
            unsafe free(scratch)
            for index in unsafe made.indices { _ = unsafe library.memoryDestroy(made[index].memory) }
            _ = unsafe library.primitiveDestroy(primitive)
            throw problem
        }
        var name: UnsafePointer<CChar>?
        let status = unsafe library.primitiveDescQuery(description, dnnl_query_impl_info_str, 0, &name)
        implementation = unsafe status == dnnl_success ? name.map { unsafe String(cString: $0) } ?? "" : ""
        self.engine = engine
        unsafe self.primitive = primitive
        unsafe self.arguments = made
        self.descriptors = descriptors
        unsafe self.scratch = scratch
    }

    deinit {
        for index in unsafe arguments.indices { _ = unsafe engine.library.memoryDestroy(arguments[index].memory) }
        _ = unsafe engine.library.primitiveDestroy(primitive)
        unsafe free(scratch)
    }

    /// The layout of an argument, by its place in the order.
    func descriptor(of place: Int) -> dnnl_memory_desc_t { descriptors[place] }

    /// Runs on tensors at these addresses, in the order of the arguments, and waits for the end.
    ///
    /// - Throws: `backend_unavailable` if the library fails.
    func run(_ addresses: [UnsafeMutableRawPointer]) throws(Problem) {
        precondition(unsafe addresses.count == descriptors.count, "a plan gets one address for each argument")
        let library = engine.library
        library.useThreads(engine.threads)
        for index in unsafe addresses.indices {
            guard unsafe library.memorySetData(arguments[index].memory, addresses[index]) == dnnl_success else {
                throw Problem(.backendUnavailable, "oneDNN refused an address")
            }
        }
        guard unsafe library.primitiveExecute(primitive, engine.stream, Int32(arguments.count), arguments) == dnnl_success,
            unsafe library.streamWait(engine.stream) == dnnl_success
        else { throw Problem(.backendUnavailable, "oneDNN failed at \(implementation)") }
    }
}
