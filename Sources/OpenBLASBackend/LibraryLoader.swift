import COpenBLAS
import Glibc
import Wire

/// Loads private copies of OpenBLAS, each with the core type asked for.
///
/// A library's state, its chosen kernels included, belongs to its file: the loader gives the same copy to everybody who opens that
/// file again. So each copy is loaded from a memory file of its own. Where the system allows no such files there is one copy, with
/// the core type that the library detects.
enum LibraryLoader {
    static let fileName = "libopenblas.so.0"
    /// More than any build has; a larger file isn't read.
    private static let largestFile = 1 << 28

    /// - Throws: `backend_unavailable` if there is no OpenBLAS, or if it has no kernels of that name.
    static func load(_ coreType: CoreType) throws(Problem) -> OpenBLASLibrary {
        guard coreType.isRunnable else { throw Problem(.backendUnavailable, "this processor can't run OpenBLAS's \(coreType.rawValue) kernels") }
        let installed = try CoreType.detected.asEnvironment { () throws(Problem) in try OpenBLASLibrary(path: fileName) }
        guard coreType != .detected else { return installed }
        guard let path = installed.path else { throw Problem(.backendUnavailable, "OpenBLAS's file can't be found") }
        let copy = try memoryFile(copying: path)
        let library = try coreType.asEnvironment { () throws(Problem) in try OpenBLASLibrary(path: "/proc/self/fd/\(copy)", file: copy) }
        guard library.coreName.lowercased() == coreType.rawValue.lowercased() else {
            throw Problem(.backendUnavailable, "OpenBLAS has no \(coreType.rawValue) kernels; it offers \(library.coreName)")
        }
        return library
    }

    /// An open memory file with the contents of `path`.
    private static func memoryFile(copying path: String) throws(Problem) -> CInt {
        let source = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw unavailable("OpenBLAS's file can't be read") }
        defer { close(source) }
        let size = Int(lseek(source, 0, SEEK_END))
        guard size > 0, size <= largestFile else { throw unavailable("OpenBLAS's file has an unlikely size") }
        let copy = unsafe adit_memory_file("openblas", 1)
        guard copy >= 0 else { throw unavailable("no memory file") }
        var offset: off_t = 0
        while Int(offset) < size {
            guard unsafe sendfile(copy, source, &offset, size - Int(offset)) > 0 else {
                close(copy)
                throw unavailable("OpenBLAS's file can't be copied")
            }
        }
        return copy
    }

    private static func unavailable(_ what: String) -> Problem {
        Problem(.backendUnavailable, "\(what): \(unsafe String(cString: strerror(errno)))")
    }
}
