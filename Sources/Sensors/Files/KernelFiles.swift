import Glibc

/// Small files that the kernel writes when they are read: `/proc`, `/sys`.
///
/// Everything goes through one root, so that tests put real files of their own in its place. What can't be read is told with its reason.
package struct KernelFiles: Sendable, Equatable {
    /// Why a file says nothing.
    package enum Failure: Error, Sendable, Equatable {
        case missing
        case denied
        /// The system's error number (the device is gone, the driver has no such value, …).
        case failed(Int32)

        init(_ number: Int32) {
            switch number {
            case ENOENT, ENOTDIR, ENXIO, ENODEV: self = .missing
            case EACCES, EPERM: self = .denied
            default: self = .failed(number)
            }
        }

        /// In words.
        package var text: String {
            switch self {
            case .missing: "there is no such file"
            case .denied: "it may not be read by this user"
            case .failed(let number): unsafe String(cString: strerror(number))
            }
        }
    }

    /// What stands before every path; empty for the system's own.
    package let root: String

    package init(root: String = "") { self.root = root }

    /// More than any of these files has that is worth reading: `/proc/stat` of a machine with a thousand processors is the largest.
    private static let limit = 1 << 20

    /// The whole text; what is not UTF-8 in it is replaced.
    package func read(_ path: String) throws(Failure) -> String { String(decoding: try bytes(path), as: UTF8.self) }

    /// The whole file. Never waits: a pipe where a file is expected gives nothing.
    package func bytes(_ path: String) throws(Failure) -> [UInt8] {
        let file = unsafe open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Failure(errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < Self.limit {
            let count = unsafe Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// The text without blanks around it; nil if it can't be read or is empty.
    package func text(_ path: String) -> String? {
        guard let whole = try? read(path) else { return nil }
        let text = whole.trimmed
        return text.isEmpty ? nil : text
    }

    package func integer(_ path: String) -> Int64? { text(path).flatMap { Int64($0) } }

    /// The names in a folder, `a2` before `a10`; empty where there is none.
    package func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(root + path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { ($0.numbered.stem, $0.numbered.number, $0) < ($1.numbered.stem, $1.numbered.number, $1) }
    }

    /// The last name of what a link leads to; nil where it leads nowhere.
    package func target(of path: String) -> String? {
        guard let resolved = unsafe realpath(root + path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved).split(separator: "/").last.map(String.init)
    }

    package func exists(_ path: String) -> Bool { unsafe access(root + path, F_OK) == 0 }
}

extension String {
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    /// `temp12_input` is (`temp`, 12): what stands before the first digits, and those.
    fileprivate var numbered: (stem: Substring, number: Int) {
        guard let start = firstIndex(where: \.isNumber) else { return (self[...], -1) }
        return (self[..<start], Int(self[start...].prefix { $0.isNumber }) ?? Int.max)
    }
}
