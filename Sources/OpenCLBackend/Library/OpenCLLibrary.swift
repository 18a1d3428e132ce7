import COpenCL
import Glibc
import Wire

/// The machine's OpenCL loader, opened once for the process and never closed: drivers don't take well to being unloaded.
///
/// `@unchecked Sendable`: a table of functions that never changes; all of OpenCL but `clSetKernelArg` may be called from any thread
/// (OpenCL 1.2, appendix A.2), and kernels stay with one device, behind its lock.
@safe final class OpenCLLibrary: @unchecked Sendable {
    static let fileName = "libOpenCL.so.1"

    let functions: adit_cl

    /// The library, or why there is none.
    static let shared: Result<OpenCLLibrary, Problem> = {
        do throws(Problem) { return .success(try OpenCLLibrary(path: fileName)) } catch { return .failure(error) }
    }()

    /// - Throws: `backend_unavailable` if it can't be opened or lacks a function.
    init(path: String) throws(Problem) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            throw Problem(.backendUnavailable, "OpenCL can't be opened: \(reason)")
        }
        let table = UnsafeMutablePointer<adit_cl>.allocate(capacity: 1)
        defer { unsafe table.deallocate() }
        if let missing = unsafe adit_cl_load(handle, table) {
            let name = unsafe String(cString: missing)
            unsafe dlclose(handle)
            throw Problem(.backendUnavailable, "\(path) has no \(name)")
        }
        functions = unsafe table.pointee
    }
}

/// OpenCL's numbered errors, as problems.
enum CLStatus {
    /// Throws `backend_unavailable` with the error's name, or `memory_limit` where the device has no memory, unless `status` is success.
    static func check(_ status: cl_int, _ function: String) throws(Problem) {
        guard status != CL_SUCCESS else { return }
        throw problem(status, function)
    }

    static func problem(_ status: cl_int, _ function: String) -> Problem {
        Problem(isOutOfMemory(status) ? .memoryLimit : .backendUnavailable, "\(function): \(name(status))")
    }

    /// CL_MEM_OBJECT_ALLOCATION_FAILURE. CL_OUT_OF_RESOURCES is not among them: drivers give it for any fault of a kernel.
    private static func isOutOfMemory(_ status: cl_int) -> Bool { status == -4 }

    static func name(_ status: cl_int) -> String { names[status] ?? "error \(status)" }

    /// Source: OpenCL 1.2 specification, appendix; the ICD loader's and CLBlast's own numbers.
    private static let names: [cl_int: String] = [
        -1: "CL_DEVICE_NOT_FOUND", -2: "CL_DEVICE_NOT_AVAILABLE", -3: "CL_COMPILER_NOT_AVAILABLE", -4: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        -5: "CL_OUT_OF_RESOURCES", -6: "CL_OUT_OF_HOST_MEMORY", -7: "CL_PROFILING_INFO_NOT_AVAILABLE", -8: "CL_MEM_COPY_OVERLAP",
        -11: "CL_BUILD_PROGRAM_FAILURE", -12: "CL_MAP_FAILURE", -13: "CL_MISALIGNED_SUB_BUFFER_OFFSET",
        -14: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", -15: "CL_COMPILE_PROGRAM_FAILURE", -16: "CL_LINKER_NOT_AVAILABLE",
        -17: "CL_LINK_PROGRAM_FAILURE", -30: "CL_INVALID_VALUE", -31: "CL_INVALID_DEVICE_TYPE", -32: "CL_INVALID_PLATFORM", -33: "CL_INVALID_DEVICE",
        -34: "CL_INVALID_CONTEXT", -35: "CL_INVALID_QUEUE_PROPERTIES", -36: "CL_INVALID_COMMAND_QUEUE", -37: "CL_INVALID_HOST_PTR",
        -38: "CL_INVALID_MEM_OBJECT", -42: "CL_INVALID_BINARY", -43: "CL_INVALID_BUILD_OPTIONS", -44: "CL_INVALID_PROGRAM",
        -45: "CL_INVALID_PROGRAM_EXECUTABLE", -46: "CL_INVALID_KERNEL_NAME", -47: "CL_INVALID_KERNEL_DEFINITION", -48: "CL_INVALID_KERNEL",
        -49: "CL_INVALID_ARG_INDEX", -50: "CL_INVALID_ARG_VALUE", -51: "CL_INVALID_ARG_SIZE", -52: "CL_INVALID_KERNEL_ARGS",
        -53: "CL_INVALID_WORK_DIMENSION", -54: "CL_INVALID_WORK_GROUP_SIZE", -55: "CL_INVALID_WORK_ITEM_SIZE", -56: "CL_INVALID_GLOBAL_OFFSET",
        -57: "CL_INVALID_EVENT_WAIT_LIST", -58: "CL_INVALID_EVENT", -59: "CL_INVALID_OPERATION", -61: "CL_INVALID_BUFFER_SIZE",
        -63: "CL_INVALID_GLOBAL_WORK_SIZE", -1001: "CL_PLATFORM_NOT_FOUND_KHR", -9999: "an illegal read or write of a kernel (NVIDIA)",
        -2039: "CLBlastUnexpectedError", -2040: "CLBlastUnknownError", -2041: "CLBlastDatabaseError", -2044: "CLBlastNoDoublePrecision",
        -2046: "CLBlastInvalidLocalMemUsage", -2047: "CLBlastMissingOverrideParameter", -2048: "CLBlastInvalidOverrideKernel",
    ]
}
