import Kernels
import Synchronization

/// How much of its own memory a device gives to jobs. It is told beside whoever changes the limit: drivers take their time to give memory back.
final class DeviceMemory: Sendable {
    private struct State {
        /// In bytes; nil: the share that the device gives by itself.
        var wanted: Int64?
        /// Whether that is on its way to the device, or there.
        var isTold = false
    }

    private let backend: any ComputeBackend
    private let queue: DiskQueue
    private let state = Mutex(State())

    init(_ backend: any ComputeBackend) {
        self.backend = backend
        queue = DiskQueue("memory.\(backend.name)")
    }

    /// Tells the device to give jobs at most so many bytes; it does from its next work on. Told the same again, nothing happens.
    ///
    /// - Parameter whenOther: is called where the device then has another amount for jobs than it had: the coordinator has to know.
    func want(_ byteCount: Int64?, whenOther: @escaping @Sendable () -> Void) {
        let isNew = state.withLock { state in
            defer { (state.wanted, state.isTold) = (byteCount, true) }
            return !state.isTold || state.wanted != byteCount
        }
        guard isNew else { return }
        queue.enqueue {
            // Of several that wait here the last one counts; the others repeat it.
            let wanted = self.state.withLock { $0.wanted }
            let before = self.backend.accelerator
            self.backend.useMemory(atMost: wanted.map { Int(clamping: $0) })
            if self.backend.accelerator != before { whenOther() }
        }
    }
}
