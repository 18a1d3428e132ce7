import Foundation
import Kernels
import Wire

/// Where a job's output is to go, looked at before anything is paid for it.
enum OutputPlace {
    /// - Parameters:
    ///   - outputs: what will be written.
    ///   - inputs: the files that the job reads; the output replaces none of them.
    /// - Throws: `bad_params` for a place that can't take these outputs, `unsupported_dtype`, `io_failed` where no file can be made.
    static func check(_ path: String, outputs: [TensorDescriptor], inputs: [String]) throws(Problem) {
        if path.hasSuffix(".npy") {
            guard let only = outputs.first, outputs.count == 1 else {
                let names = outputs.map(\.name).joined(separator: ", ")
                throw Problem(.badParams, "\(path): the job has \(outputs.count) outputs (\(names)), and a .npy file holds one; give a name in .safetensors")
            }
            _ = try NumpyHeader.bytes(for: only)
        }
        let name = (path as NSString).lastPathComponent
        guard !name.isEmpty, !path.hasSuffix("/"), !isFolder(path) else { throw Problem(.badParams, "\(path) is a folder; give a file's name in it") }
        for input in inputs where isSame(path, input) {
            throw Problem(.badParams, "\(path) is an input of this job and would be overwritten; give another name")
        }
        let folder = (path as NSString).deletingLastPathComponent
        guard isFolder(folder.isEmpty ? "." : folder) else { throw Problem(.ioFailed, "there is no folder \(folder); make it first: mkdir -p \(folder)") }
        // The rights alone don't tell: the file system may be for reading only.
        let trial = "\(path).\(getpid()).new"
        let descriptor = unsafe open(trial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(path) can't be written: \(Files.reason())") }
        close(descriptor)
        unsafe unlink(trial)
        // Where a file system tells no size, such as one over a network, nothing is known.
        var system = statvfs()
        guard unsafe statvfs(folder.isEmpty ? "." : folder, &system) == 0, system.f_blocks > 0 else { return }
        let needed = outputs.reduce(0.0) { $0 + Double($1.byteCount) }
        guard Double(system.f_bavail) * Double(system.f_frsize) >= needed else {
            throw Problem(.ioFailed, "\(path) takes \(Figures.bytes(Int64(min(needed, 0x1p62)))), and there is less room on that disk")
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether both names lead to one file.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        return unsafe stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
}
