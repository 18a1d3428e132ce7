import COpenCL
import Glibc
import Kernels
import Wire

/// CLBlast, opened once for the process: the fastest free products on many devices.
///
/// `@unchecked Sendable`: functions that never change. CLBlast locks its own caches; every device calls it behind its session's lock.
@safe final class CLBlastLibrary: @unchecked Sendable {
    static let fileName = "libclblast.so.1"

    private let sgemm: adit_clblast_sgemm
    private let dgemm: adit_clblast_dgemm
    private let sgemmBatched: adit_clblast_sgemm_batched
    private let dgemmBatched: adit_clblast_dgemm_batched
    private let overrideParameters: adit_clblast_override

    /// The library, or why there is none.
    static let shared: Result<CLBlastLibrary, Problem> = {
        do throws(Problem) { return .success(try CLBlastLibrary(path: fileName)) } catch { return .failure(error) }
    }()

    /// - Throws: `backend_unavailable` if it can't be opened or lacks a function.
    init(path: String) throws(Problem) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            throw Problem(.backendUnavailable, "CLBlast can't be opened: \(reason)")
        }
        do throws(Problem) {
            unsafe sgemm = try Self.function("CLBlastSgemm", in: handle)
            unsafe dgemm = try Self.function("CLBlastDgemm", in: handle)
            unsafe sgemmBatched = try Self.function("CLBlastSgemmStridedBatched", in: handle)
            unsafe dgemmBatched = try Self.function("CLBlastDgemmStridedBatched", in: handle)
            unsafe overrideParameters = try Self.function("CLBlastOverrideParameters", in: handle)
        } catch {
            unsafe dlclose(handle)
            throw error
        }
    }

    private static func function<F>(_ name: String, in handle: UnsafeMutableRawPointer) throws(Problem) -> F {
        guard let symbol = unsafe dlsym(handle, name) else { throw Problem(.backendUnavailable, "CLBlast has no \(name)") }
        return unsafe unsafeBitCast(symbol, to: F.self)
    }

    /// A row-major matrix on the device: where it starts, its leading dimension, and how far apart those of a batch are, in elements.
    struct Operand {
        let buffer: DeviceBuffer
        let offset: Int
        let leading: Int
        let stride: Int
    }

    /// Puts C = op(A)·op(B) into the compute queue: m, n, k and the transposes as CLBlast's own.
    func multiply(
        _ session: DeviceSession, isDouble: Bool, transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, matrices: Int,
        _ a: Operand, _ b: Operand, _ c: Operand
    ) throws(Problem) -> Event {
        let layout = CInt(adit_clblast_row_major)
        let ta = CInt(transposeA ? adit_clblast_transpose : adit_clblast_no_transpose)
        let tb = CInt(transposeB ? adit_clblast_transpose : adit_clblast_no_transpose)
        var queue: cl_command_queue? = unsafe session.compute.raw
        var event: cl_event?
        let (bufferA, bufferB, bufferC) = unsafe (a.buffer.memory.raw, b.buffer.memory.raw, c.buffer.memory.raw)
        let status =
            switch (isDouble, matrices > 1) {
            case (false, false):
                unsafe sgemm(
                    layout, ta, tb, m, n, k, 1, bufferA, a.offset, a.leading, bufferB, b.offset, b.leading, 0, bufferC, c.offset, c.leading, &queue, &event)
            case (true, false):
                unsafe dgemm(
                    layout, ta, tb, m, n, k, 1, bufferA, a.offset, a.leading, bufferB, b.offset, b.leading, 0, bufferC, c.offset, c.leading, &queue, &event)
            case (false, true):
                unsafe sgemmBatched(
                    layout, ta, tb, m, n, k, 1, bufferA, a.offset, a.leading, a.stride, bufferB, b.offset, b.leading, b.stride, 0, bufferC, c.offset,
                    c.leading, c.stride, matrices, &queue, &event)
            case (true, true):
                unsafe dgemmBatched(
                    layout, ta, tb, m, n, k, 1, bufferA, a.offset, a.leading, a.stride, bufferB, b.offset, b.leading, b.stride, 0, bufferC, c.offset,
                    c.leading, c.stride, matrices, &queue, &event)
            }
        try CLStatus.check(status, "CLBlast's gemm")
        return try unsafe session.own(event, "CLBlast's gemm")
    }

    /// Has CLBlast use these parameters of one of its kernels on a device from now on.
    func set(_ parameters: [(name: String, value: Int)], of kernel: String, isDouble: Bool, on device: FoundDevice) throws(Problem) {
        let names = unsafe parameters.map { parameter in unsafe strdup(parameter.name).map { unsafe UnsafePointer($0) } }
        defer { for index in unsafe names.indices { unsafe free(UnsafeMutablePointer(mutating: names[index])) } }
        let precision = CInt(isDouble ? adit_clblast_double : adit_clblast_single)
        let status = unsafe overrideParameters(device.id, kernel, precision, parameters.count, names, parameters.map(\.value))
        try CLStatus.check(status, "CLBlastOverrideParameters")
    }
}
