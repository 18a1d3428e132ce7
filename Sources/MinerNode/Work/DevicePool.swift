import Jobs
import Kernels
import Operations
import Profiler
import Synchronization
import Wire

/// The devices of this miner: which ones may be used, and which ones can do a job.
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

    /// The devices that can do a job in its arithmetic, by their places in `all`, each with its measured operations a second where there is one.
    ///
    /// - Throws: `unsupported_dtype` if no device can do it; `backend_unavailable` if those that can are put aside.
    func able(_ kernel: any Kernel) throws(Problem) -> [(place: Int, speed: Double?)] {
        var able: [(place: Int, speed: Double?)] = []
        for (place, device) in all.enumerated() {
            guard let capability = kernel.capability(on: device.backend), capability.arithmetic == kernel.arithmetic else { continue }
            able.append((place, capability.operationsPerSecond))
        }
        if able.isEmpty { throw Problem(.unsupportedDtype, "no device here runs \(kernel.name) in \(kernel.arithmetic.rawValue)") }
        guard able.contains(where: { all[$0.place].mayWork }) else {
            throw Problem(.backendUnavailable, "every device that runs \(kernel.name) in \(kernel.arithmetic.rawValue) is quarantined")
        }
        return able
    }
}
