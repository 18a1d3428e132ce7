package import Kernels
import Synchronization
package import Wire

/// What an OpenCL device can do at most: multiply-adds by format, copies in its memory, and the way from and to the host as jobs take it, through
/// pinned pieces.
package final class OpenCLRoof: RoofSource {
    private let backend: OpenCLBackend
    private let state = Mutex(State())

    private struct State {
        /// Turns per second of each format, from its last run.
        var pace: [DType: Double] = [:]
        /// Formats whose program the driver didn't take: the peak is unknown, and the device may be good for everything else.
        var broken: Set<DType> = []
        /// Host memory for transfers, taken once.
        var host: Tensor?
    }

    /// A first guess, slow, so that the first run is short.
    private static let slowest = 1_000.0
    private static let copiedBytes = 256 << 20
    private static let movedBytes = 64 << 20

    init(_ backend: OpenCLBackend) { self.backend = backend }

    package func peakName(_ dtype: DType) -> String? {
        state.withLock { $0.broken.contains(dtype) } ? nil : PeakSource.peak(dtype, on: backend.description)?.name
    }

    package func runPeak(_ dtype: DType, about duration: Duration) throws(Problem) -> Int64? {
        guard let peak = PeakSource.peak(dtype, on: backend.description), !state.withLock({ $0.broken.contains(dtype) }) else { return nil }
        let wanted = min(max(duration, .microseconds(100)), .milliseconds(500)).seconds
        let turns = min(max(1, Int(wanted * (state.withLock { $0.pace[dtype] } ?? Self.slowest))), 1 << 28)
        let (group, groups) = (min(256, backend.description.largestGroup), 8 * max(1, backend.description.computeUnits))
        do throws(Problem) {
            let took = try backend.work { workplace throws(Problem) in
                let session = try workplace.open().session
                let function = try session.programs.function("peak", of: peak.source)
                return try session.pool.lend { loan throws(Problem) in
                    let out = try loan.take(4)
                    return try ContinuousClock.time { () throws(Problem) in
                        try session.wait(try session.call(function, [.buffer(out), .int(turns)], global: [group * groups], local: [group]))
                    }
                }
            }
            state.withLock { $0.pace[dtype] = min(max(Double(turns) / max(took.seconds, 1e-6), Self.slowest / 1_000), 1e10) }
        } catch {
            guard error.code == .backendUnavailable else { throw error }
            state.withLock { _ = $0.broken.insert(dtype) }
            return nil
        }
        return Int64(clamping: turns * group * groups * peak.operations)
    }

    package func copyMemory(about duration: Duration) throws(Problem) -> Int64? {
        let group = min(256, backend.description.largestGroup)
        return try backend.work { workplace throws(Problem) in
            let bytes = min(Self.copiedBytes, workplace.memoryCap / 4, backend.description.largestBuffer) / (16 * group) * (16 * group)
            guard bytes > 0 else { return nil }
            let session = try workplace.open().session
            let function = try session.programs.function("copy", of: PeakSource.copy)
            return try session.pool.lend { loan throws(Problem) in
                let (from, to) = (try loan.take(bytes), try loan.take(bytes))
                return try Self.repeated(duration) { () throws(Problem) in
                    try session.wait(try session.call(function, [.buffer(from), .buffer(to)], global: [bytes / 16], local: [group]))
                    return Int64(2 * bytes)
                }
            }
        }
    }

    package func transfer(_ direction: TransferDirection, about duration: Duration) throws(Problem) -> Int64? {
        try backend.work { workplace throws(Problem) in
            let bytes = min(Self.movedBytes, workplace.memoryCap / 2, backend.description.largestBuffer)
            let host = try hostMemory(bytes)
            let open = try workplace.open()
            guard !open.session.isShared else { return nil }
            return try open.session.pool.lend { loan throws(Problem) in
                let buffer = try loan.take(bytes)
                return try Self.repeated(duration) { () throws(Problem) in
                    try unsafe host.buffer.withUnsafeMutableBytes { raw throws(Problem) in
                        guard let base = raw.baseAddress else { return }
                        switch direction {
                        case .toDevice:
                            if let sent = try unsafe open.staging.send(.run(0, bytes), from: UnsafeRawPointer(base), to: buffer, after: []) {
                                try open.session.wait(sent)
                            }
                        case .fromDevice: try unsafe open.staging.fetch(.run(0, bytes), from: buffer, to: base, after: [])
                        }
                    }
                    return Int64(bytes)
                }
            }
        }
    }

    private func hostMemory(_ bytes: Int) throws(Problem) -> Tensor {
        if let known = state.withLock({ $0.host }), known.buffer.byteCount == bytes { return known }
        let made = try Tensor(zeros: try TensorDescriptor(name: "host", dtype: .i8, shape: [bytes]))
        state.withLock { $0.host = made }
        return made
    }

    private static func repeated(_ duration: Duration, _ body: () throws(Problem) -> Int64) throws(Problem) -> Int64 {
        let start = ContinuousClock.now
        var done: Int64 = 0
        repeat { done = done.addingReportingOverflow(try body()).partialValue } while ContinuousClock.now - start < duration
        return done
    }
}

extension OpenCLBackend {
    package var roof: (any RoofSource)? { OpenCLRoof(self) }
}

extension ContinuousClock {
    fileprivate static func time(_ body: () throws(Problem) -> Void) throws(Problem) -> Duration {
        let start = now
        try body()
        return now - start
    }
}
