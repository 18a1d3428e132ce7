import COpenBLAS
import Glibc
import Kernels
import Wire

/// The only owner of one loaded copy of OpenBLAS: its functions, its threads, its state. Closed when the owner goes.
///
/// `@unchecked Sendable`: not safe for calls from two threads at once, and never called so: `OpenBLASGEMM` keeps it behind a lock.
@safe final class OpenBLASLibrary: @unchecked Sendable {
    // Sendable: the handle and the functions never change, and calls are serialised by the owner's lock.
    private let handle: UnsafeMutableRawPointer
    /// The memory file that the copy was loaded from, kept open so that no other copy gets its name; −1 for none.
    private let file: CInt
    private let setThreads: adit_blas_set_threads
    private let threadCount: adit_blas_get_threads
    let sgemm: adit_blas_sgemm
    let dgemm: adit_blas_dgemm
    /// The kernels in use, as the library names them, such as `Haswell`.
    let coreName: String
    /// Version and build options.
    let configuration: String
    let callLength = CallLength()

    /// Opens a shared library, or takes the loaded one of that name, and finds its functions.
    ///
    /// - Parameter file: closed with the library, also when this fails.
    /// - Throws: `backend_unavailable` if it can't be opened or isn't OpenBLAS.
    init(path: String, file: CInt = -1) throws(Problem) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            if file >= 0 { close(file) }
            throw Problem(.backendUnavailable, "OpenBLAS can't be opened: \(reason)")
        }
        do throws(Problem) {
            unsafe sgemm = try Self.function("cblas_sgemm", in: handle)
            unsafe dgemm = try Self.function("cblas_dgemm", in: handle)
            unsafe setThreads = try Self.function("openblas_set_num_threads", in: handle)
            unsafe threadCount = try Self.function("openblas_get_num_threads", in: handle)
            coreName = try unsafe Self.text("openblas_get_corename", in: handle)
            configuration = try unsafe Self.text("openblas_get_config", in: handle)
        } catch {
            unsafe dlclose(handle)
            if file >= 0 { close(file) }
            throw error
        }
        unsafe self.handle = handle
        self.file = file
    }

    deinit {
        unsafe dlclose(handle)
        if file >= 0 { close(file) }
    }

    /// How many threads a call uses; 1 or more.
    var threads: Int {
        get { Int(threadCount()) }
        set { setThreads(Int32(clamping: max(1, newValue))) }
    }

    /// Where this copy was loaded from; nil if the loader doesn't say.
    var path: String? {
        var info = unsafe adit_symbol_info()
        guard let symbol = unsafe dlsym(handle, "cblas_sgemm"), unsafe adit_symbol_lookup(symbol, &info) != 0, let name = unsafe info.file else { return nil }
        return unsafe String(cString: name)
    }

    /// A function of type `F`, which must be the C function's own.
    private static func function<F>(_ name: String, in handle: UnsafeMutableRawPointer) throws(Problem) -> F {
        guard let symbol = unsafe dlsym(handle, name) else { throw Problem(.backendUnavailable, "the library has no \(name)") }
        return unsafe unsafeBitCast(symbol, to: F.self)
    }

    private static func text(_ name: String, in handle: UnsafeMutableRawPointer) throws(Problem) -> String {
        let function: adit_blas_text = try unsafe function(name, in: handle)
        guard let text = unsafe function() else { return "" }
        return unsafe String(cString: text)
    }
}
