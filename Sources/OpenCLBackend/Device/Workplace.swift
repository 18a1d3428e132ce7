import Kernels
import Wire

/// A device and the session that is open on it, if one is; opened by the first job, and again after a failure.
struct Workplace: Sendable {
    /// An open session with its staging memory.
    struct Open: Sendable {
        let session: DeviceSession
        let staging: Staging
    }

    let device: FoundDevice
    let cache: ProgramCache
    private(set) var memoryCap: Int
    let isShared: Bool
    private(set) var current: Open?

    init(device: FoundDevice, cache: ProgramCache, memoryCap: Int, isShared: Bool) {
        (self.device, self.cache, self.memoryCap, self.isShared) = (device, cache, memoryCap, isShared)
    }

    mutating func open() throws(Problem) -> Open {
        if let current { return current }
        let session = try DeviceSession(device, cache: cache, memoryCap: memoryCap, isShared: isShared)
        let open = Open(session: session, staging: Staging(session))
        current = open
        return open
    }

    mutating func close() { current = nil }

    /// Jobs take at most so many bytes from the next one on; what is idle above that goes back to the device.
    mutating func limit(_ cap: Int) {
        guard cap != memoryCap else { return }
        memoryCap = cap
        current?.session.pool.limit(cap)
    }

    /// Gives idle memory back, the device's and the host's; programs stay.
    func rest() {
        current?.staging.drop()
        current?.session.pool.drop()
    }

    /// C = op(A)·op(B) by an engine; tensors are checked.
    mutating func multiply(_ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor, _ engine: ChosenEngine, _ control: RunControl) throws(Problem) {
        try control.step(0)
        if gemm.m > 0, gemm.n > 0, gemm.k > 0, gemm.count > 0 {
            let open = try open()
            let run = GEMMRun(
                session: open.session, staging: open.staging, engine: engine.engine, gemm: gemm, control: control,
                operationsPerBlock: engine.operationsPerBlock)
            try run.run(a, b, into: c)
        } else {
            // Empty sums are +0.
            unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0) }
        }
        try control.step(1)
    }
}

/// What multiplies in one arithmetic on one device, and how fast.
struct ChosenEngine: Sendable {
    let engine: GEMMRun.Engine
    /// Operations per second on a large product, transfers included; nil: not measured.
    let operationsPerSecond: Double?
    /// Seconds that the smallest product takes.
    let overhead: Double

    var name: String {
        switch engine {
        case .own(let kernel): kernel.name
        case .clblast: EngineChooser.clblastName
        }
    }

    /// The speed to expect of a product: what is small waits more than it computes.
    func speed(of operations: Int64) -> Double? {
        guard let operationsPerSecond, operations > 0 else { return operationsPerSecond }
        return Double(operations) / (overhead + Double(operations) / operationsPerSecond)
    }

    /// About a third of a second's; without a measurement a slow device's.
    var operationsPerBlock: Double { max(1e8, (operationsPerSecond ?? 12e9) / 3) }
}
