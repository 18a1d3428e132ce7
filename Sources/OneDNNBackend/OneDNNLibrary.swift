import COneDNN
import Glibc
import Wire

/// oneDNN's functions, found in the shared library when the program runs.
///
/// The library stays loaded for as long as the process lives: OpenMP's threads, which belong to it, never leave.
/// Sendable: the functions never change; which of them may be called from two threads at once is `OneDNNEngine`'s matter.
@safe struct OneDNNLibrary: Sendable {
    static let fileName = "libdnnl.so.2"

    /// Such as `2.6.3`.
    let version: String
    let cpuISA: adit_dnnl_get_effective_cpu_isa
    let engineCreate: adit_dnnl_engine_create
    let streamCreate: adit_dnnl_stream_create
    let streamWait: adit_dnnl_stream_wait
    let describeByStrides: adit_dnnl_memory_desc_init_by_strides
    let describeByTag: adit_dnnl_memory_desc_init_by_tag
    let descriptorSize: adit_dnnl_memory_desc_get_size
    let memoryCreate: adit_dnnl_memory_create
    let memoryDestroy: adit_dnnl_memory_destroy
    let memorySetData: adit_dnnl_memory_set_data_handle
    let attributeCreate: adit_dnnl_primitive_attr_create
    let attributeDestroy: adit_dnnl_primitive_attr_destroy
    let attributeSetScratchpad: adit_dnnl_primitive_attr_set_scratchpad_mode
    let primitiveDescCreate: adit_dnnl_primitive_desc_create
    let primitiveDescDestroy: adit_dnnl_primitive_desc_destroy
    let primitiveDescQuery: adit_dnnl_primitive_desc_query
    let primitiveDescQueryMemory: adit_dnnl_primitive_desc_query_md
    let reorderDescCreate: adit_dnnl_reorder_primitive_desc_create
    let primitiveCreate: adit_dnnl_primitive_create
    let primitiveDestroy: adit_dnnl_primitive_destroy
    let primitiveExecute: adit_dnnl_primitive_execute
    let matmulInit: adit_dnnl_matmul_desc_init
    let convolutionInit: adit_dnnl_dilated_convolution_forward_desc_init
    let sgemm: adit_dnnl_sgemm
    let gemmS8: adit_dnnl_gemm_s8s8s32
    private let setThreads: adit_omp_set_num_threads

    /// The library by its usual name, opened once in a process.
    private static let installed: Result<OneDNNLibrary, Problem> = {
        do throws(Problem) { return .success(try OneDNNLibrary(path: fileName)) } catch { return .failure(error) }
    }()

    /// - Throws: `backend_unavailable` if it isn't there.
    static func load() throws(Problem) -> OneDNNLibrary { try installed.get() }

    /// - Throws: `backend_unavailable` if the file can't be opened, isn't oneDNN 2, or isn't built on OpenMP.
    init(path: String) throws(Problem) {
        guard let handle = unsafe Self.withShortWaits({ unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) }) else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            throw Problem(.backendUnavailable, "oneDNN can't be opened: \(reason)")
        }
        let readVersion: adit_dnnl_version = try unsafe Self.function("dnnl_version", in: handle)
        guard let version = unsafe readVersion() else { throw Problem(.backendUnavailable, "oneDNN doesn't say its version") }
        guard unsafe version.pointee.major == 2 else {
            throw Problem(.backendUnavailable, "oneDNN \(unsafe version.pointee.major) has another interface than version 2")
        }
        self.version = unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.patch)"
        unsafe cpuISA = try Self.function("dnnl_get_effective_cpu_isa", in: handle)
        unsafe engineCreate = try Self.function("dnnl_engine_create", in: handle)
        unsafe streamCreate = try Self.function("dnnl_stream_create", in: handle)
        unsafe streamWait = try Self.function("dnnl_stream_wait", in: handle)
        unsafe describeByStrides = try Self.function("dnnl_memory_desc_init_by_strides", in: handle)
        unsafe describeByTag = try Self.function("dnnl_memory_desc_init_by_tag", in: handle)
        unsafe descriptorSize = try Self.function("dnnl_memory_desc_get_size", in: handle)
        unsafe memoryCreate = try Self.function("dnnl_memory_create", in: handle)
        unsafe memoryDestroy = try Self.function("dnnl_memory_destroy", in: handle)
        unsafe memorySetData = try Self.function("dnnl_memory_set_data_handle", in: handle)
        unsafe attributeCreate = try Self.function("dnnl_primitive_attr_create", in: handle)
        unsafe attributeDestroy = try Self.function("dnnl_primitive_attr_destroy", in: handle)
        unsafe attributeSetScratchpad = try Self.function("dnnl_primitive_attr_set_scratchpad_mode", in: handle)
        unsafe primitiveDescCreate = try Self.function("dnnl_primitive_desc_create", in: handle)
        unsafe primitiveDescDestroy = try Self.function("dnnl_primitive_desc_destroy", in: handle)
        unsafe primitiveDescQuery = try Self.function("dnnl_primitive_desc_query", in: handle)
        unsafe primitiveDescQueryMemory = try Self.function("dnnl_primitive_desc_query_md", in: handle)
        unsafe reorderDescCreate = try Self.function("dnnl_reorder_primitive_desc_create", in: handle)
        unsafe primitiveCreate = try Self.function("dnnl_primitive_create", in: handle)
        unsafe primitiveDestroy = try Self.function("dnnl_primitive_destroy", in: handle)
        unsafe primitiveExecute = try Self.function("dnnl_primitive_execute", in: handle)
        unsafe matmulInit = try Self.function("dnnl_matmul_desc_init", in: handle)
        unsafe convolutionInit = try Self.function("dnnl_dilated_convolution_forward_desc_init", in: handle)
        unsafe sgemm = try Self.function("dnnl_sgemm", in: handle)
        unsafe gemmS8 = try Self.function("dnnl_gemm_s8s8s32", in: handle)
        unsafe setThreads = try Self.function("omp_set_num_threads", in: handle)
    }

    /// How many threads the calling thread's next calls use: OpenMP keeps the number for each thread apart.
    func useThreads(_ count: Int) { setThreads(Int32(clamping: max(1, count))) }

    /// Throws for every status but success: `memory_limit`, `unsupported_dtype` where the library has no code for it, `internal_error`.
    func check(_ status: dnnl_status_t, _ what: @autoclosure () -> String) throws(Problem) {
        switch status {
        case dnnl_success: return
        case dnnl_out_of_memory: throw Problem(.memoryLimit, "oneDNN has no memory for \(what())")
        case dnnl_unimplemented: throw Problem(.unsupportedDtype, "oneDNN has no \(what()) on this processor")
        default: throw Problem(.internalError, "oneDNN refused \(what()), status \(status.rawValue)")
        }
    }

    /// GNU's OpenMP reads its settings when it is loaded. Its threads wait for each other by spinning for milliseconds; where another
    /// program needs a core, one spins for a thread that doesn't run, and products take ten times as long. A thousand turns, some
    /// microseconds, bridge what lies between two parallel regions; after that a thread sleeps. An operator's own setting stays.
    private static func withShortWaits<R>(_ body: () -> R) -> R {
        let name = "GOMP_SPINCOUNT"
        let isUnset = unsafe getenv(name) == nil && getenv("OMP_WAIT_POLICY") == nil
        if isUnset { unsafe setenv(name, "1000", 1) }
        defer { if isUnset { unsafe unsetenv(name) } }
        return body()
    }

    /// A function of type `F`, which must be the C function's own.
    private static func function<F>(_ name: String, in handle: UnsafeMutableRawPointer) throws(Problem) -> F {
        guard let symbol = unsafe dlsym(handle, name) else { throw Problem(.backendUnavailable, "the library has no \(name)") }
        return unsafe unsafeBitCast(symbol, to: F.self)
    }
}
