import Foundation
import HTTPServing
import Logging
import Wire

/// Where the services' JSON log lines go: standard error, or one file that they share.
struct Logs: Sendable {
    private let level: Logger.Level
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter level: trace, debug, info, notice, warning, error or critical; `out_of_range` for any other word.
    init(level: String, file: String? = nil) throws(Problem) {
        guard let level = Logger.Level(rawValue: level.lowercased()) else {
            throw Problem(.outOfRange, "LOG_LEVEL is \"\(level)\"; it is one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.level = level
        guard let file else {
            write = JSONLogHandler.standardError
            return
        }
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(file) can't be opened") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        write = { line in
            // One write(2) on an appending descriptor: lines of several threads don't mix.
            _ = unsafe line.withUnsafeBytes { unsafe Foundation.write(handle.fileDescriptor, $0.baseAddress, $0.count) }
        }
    }

    /// - Parameter write: takes each line with its newline, from any thread.
    init(level: String, write: @escaping @Sendable ([UInt8]) -> Void) throws(Problem) {
        let plain = try Logs(level: level)
        (self.level, self.write) = (plain.level, write)
    }

    func logger(_ component: String) -> Logger {
        Logger(label: component) { [level, write] _ in JSONLogHandler(component: component, level: level, write: write) }
    }
}
