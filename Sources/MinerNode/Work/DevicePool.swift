import Jobs
import Kernels
import Operations
import Profiler
import Synchronization
import Wire

/// The devices of this miner: which ones may be used, and which one a job gets.
final class DevicePool: Sendable {
    let all: [MinerDevice]

    init(_ backends: [any ComputeBackend], policy: DeviceHealth.Policy = DeviceHealth.Policy()) { all = backends.map { MinerDevice($0, policy: policy) } }

    var usable: [MinerDevice] { all.filter(\.mayWork) }

    func named(_ name: String) -> MinerDevice? { all.first { $0.name == name } }

    /// Tests each device on a thread of its own and puts those that fail aside; gives these back.
    func selfTest() async -> [(name: String, failure: DeviceFailure)] {
        var failed: [(name: String, failure: DeviceFailure)] = []
        for device in all {
            let outcome: DeviceFailure?? = try? await OwnThread.run("adit-selftest") { () throws(Problem) -> DeviceFailure? in
                do throws(DeviceFailure) {
                    try device.answer(control: .none)
                    return nil
                } catch {
                    return error
                }
            }
            // Canceled.
            guard let outcome else { return failed }
            guard let failure = outcome else { continue }
            device.failed(failure)
            failed.append((device.name, failure))
        }
        return failed
    }

    /// The device for a job: the one that promises its arithmetic at the highest measured speed, the first one where none is measured. One that
    /// stands still until it is cooler only where there is no other.
    ///
    /// - Throws: `unsupported_dtype` if no device can do it; `backend_unavailable` if those that can are put aside.
    func device(for kernel: any Kernel) throws(Problem) -> MinerDevice {
        var best: (device: MinerDevice, rank: (Int, Double))?
        var isAside = false
        for device in all {
            guard let capability = kernel.capability(on: device.backend), capability.arithmetic == kernel.arithmetic else { continue }
            guard device.mayWork else {
                isAside = true
                continue
            }
            let rank = (device.pacer.duty > 0 ? 1 : 0, capability.operationsPerSecond ?? 0)
            if best.map({ rank > $0.rank }) ?? true { best = (device, rank) }
        }
        if let best { return best.device }
        if isAside { throw Problem(.backendUnavailable, "every device that runs \(kernel.name) in \(kernel.arithmetic.rawValue) is quarantined") }
        throw Problem(.unsupportedDtype, "no device here runs \(kernel.name) in \(kernel.arithmetic.rawValue)")
    }
}
