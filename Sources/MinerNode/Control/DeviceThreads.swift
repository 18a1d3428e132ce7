import Kernels
import Synchronization

/// How many threads a device computes with. A change is made beside whoever asks for it: a library waits for the work that it does, which may take
/// minutes, or stand still for hours.
final class DeviceThreads: Sendable {
    /// At full speed.
    let all: Int
    private let backend: any ComputeBackend
    private let queue: DiskQueue
    private let state: Mutex<(given: Int, wanted: Int)>

    init(_ backend: any ComputeBackend, all: Int) {
        (self.backend, self.all) = (backend, all)
        queue = DiskQueue("threads.\(backend.name)")
        state = Mutex((all, all))
    }

    /// Those that it has now.
    var given: Int { state.withLock { $0.given } }

    /// Gives it so many as soon as its work allows it. Of several wishes that wait, the last one counts.
    func want(_ count: Int) {
        let isNew = state.withLock { state in
            defer { state.wanted = count }
            return state.wanted != count
        }
        guard isNew else { return }
        queue.enqueue {
            let (given, wanted) = self.state.withLock { $0 }
            guard wanted != given else { return }
            self.backend.useThreads(atMost: wanted == self.all ? nil : wanted)
            self.state.withLock { $0.given = wanted }
        }
    }
}
