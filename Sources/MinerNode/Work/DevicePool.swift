import Kernels
import Profiler
import Synchronization
import Wire

/// The devices of this miner: which ones may be used, and which one a job gets.
final class DevicePool: Sendable {
    struct Entry: Sendable {
        let backend: any ComputeBackend
        /// Why it isn't used; nil if it is.
        var problem: Problem?
    }

    private let entries: Mutex<[Entry]>

    init(_ backends: [any ComputeBackend]) { entries = Mutex(backends.map { Entry(backend: $0) }) }

    var all: [Entry] { entries.withLock { $0 } }
    var usable: [any ComputeBackend] { all.filter { $0.problem == nil }.map(\.backend) }

    /// Tests each device on a thread of its own and puts those that fail aside; gives these back.
    func selfTest() async -> [(name: String, problem: Problem)] {
        var failed: [(name: String, problem: Problem)] = []
        for entry in all {
            let backend = entry.backend
            do {
                try await OwnThread.run("adit-selftest") { () throws(Problem) in try BackendSelfTest.run(backend) }
                put(backend.name, nil)
            } catch {
                if Task.isCancelled { return failed }
                put(backend.name, error)
                failed.append((backend.name, error))
            }
        }
        return failed
    }

    /// Puts a device aside, or takes it back.
    func put(_ name: String, _ problem: Problem?) {
        entries.withLock { entries in
            for index in entries.indices where entries[index].backend.name == name { entries[index].problem = problem }
        }
    }

    /// The device for a job: the one that promises its arithmetic at the highest measured speed, the first one where none is measured.
    ///
    /// - Throws: `unsupported_dtype` if no usable device can do it.
    func device(for kernel: any Kernel) throws(Problem) -> any ComputeBackend {
        var best: (backend: any ComputeBackend, speed: Double)?
        for backend in usable {
            guard let capability = kernel.capability(on: backend), capability.arithmetic == kernel.arithmetic else { continue }
            let speed = capability.operationsPerSecond ?? 0
            if best.map({ speed > $0.speed }) ?? true { best = (backend, speed) }
        }
        guard let best else { throw Problem(.unsupportedDtype, "no device here runs \(kernel.name) in \(kernel.arithmetic.rawValue)") }
        return best.backend
    }
}
