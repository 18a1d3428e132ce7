import Foundation
import Glibc
import Synchronization
import Wire

/// Keeps this process on some of the machine's logical processors, as `taskset -a` does: all of its threads, those of libraries too. Threads that are
/// made later take it over from those that make them.
final class CoreAffinity: Sendable {
    /// Linux's own limit for the mask that glibc's `cpu_set_t` has.
    private static let most = 1024
    private typealias Call = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> CInt

    /// Where the process was allowed to run before anything was changed; nil where Linux doesn't say.
    private let original: Set<Int>?
    private let isChanged = Mutex(false)

    /// The main thread's: a driver may bind the thread that opens it for a moment, and those that are made meanwhile stay bound.
    init() { original = Self.cores(of: getpid()) }

    /// Runs on these from now on; nil: wherever it could at the start.
    ///
    /// - Throws: `out_of_range` for processors that aren't there, or that the process may not use; nothing has changed then.
    func apply(_ cores: Set<Int>?) throws(Problem) {
        guard cores != nil || isChanged.withLock({ $0 }) else { return }
        guard let original else { throw Problem(.ioFailed, "Linux doesn't say where this process may run: cores can't be chosen") }
        let wanted = cores ?? original
        guard !wanted.isEmpty, wanted.isSubset(of: original) else {
            throw Problem(
                .outOfRange,
                "cores \(ProcessorList(wanted.subtracting(original)).text) are none of those that this process may use: \(ProcessorList(original).text)")
        }
        // Threads may be made meanwhile by threads that have not moved yet.
        var moved: Set<pid_t> = []
        for _ in 0..<8 {
            let threads = Self.threads().subtracting(moved)
            if threads.isEmpty { break }
            for thread in threads {
                // One that has ended since needn't move.
                _ = Self.move(thread, to: wanted)
                moved.insert(thread)
            }
        }
        isChanged.withLock { $0 = true }
    }

    /// Where a thread may run; 0 is the calling one.
    static func cores(of thread: pid_t) -> Set<Int>? {
        guard let call = unsafe call("sched_getaffinity") else { return nil }
        var mask = [UInt8](repeating: 0, count: most / 8)
        let status = unsafe mask.withUnsafeMutableBytes { raw in unsafe raw.baseAddress.map { unsafe call(thread, raw.count, $0) } ?? -1 }
        guard status >= 0 else { return nil }
        return Set((0..<most).filter { mask[$0 / 8] >> UInt8($0 % 8) & 1 == 1 })
    }

    private static func move(_ thread: pid_t, to cores: Set<Int>) -> Bool {
        guard let call = unsafe call("sched_setaffinity") else { return false }
        var mask = [UInt8](repeating: 0, count: most / 8)
        for core in cores where (0..<most).contains(core) { mask[core / 8] |= 1 << UInt8(core % 8) }
        return unsafe mask.withUnsafeMutableBytes { raw in unsafe raw.baseAddress.map { unsafe call(thread, raw.count, $0) } ?? -1 } == 0
    }

    private static func threads() -> Set<pid_t> {
        Set(((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []).compactMap { pid_t($0) })
    }

    /// From the C library that is loaded: its headers hide these two behind a macro.
    private static func call(_ name: String) -> Call? {
        guard let symbol = unsafe dlsym(nil, name) else { return nil }
        return unsafe unsafeBitCast(symbol, to: Call.self)
    }
}
