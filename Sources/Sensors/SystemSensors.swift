import Glibc
package import Operations
import Synchronization

/// The machine's sensors: the processor's by hwmon, RAPL and `/proc/stat`, NVIDIA's GPUs by NVML, others by hwmon at their PCI address.
///
/// Power and utilisation are averages since the same device's reading before. Readings that follow each other within a fifth of a second give the
/// earlier averages again, so that two readers of one port don't cut each other's time to nothing.
package final class SystemSensors: SensorPort {
    private static let shortest: Duration = .milliseconds(200)
    /// How often lost sensor files are looked for again: a driver that was loaded anew has other folders.
    private static let pause: Duration = .seconds(10)

    private let now: @Sendable () -> Duration
    private let states: Mutex<[String: DeviceSensors]>
    private let nvmlFailure: NVMLLibrary.Failure?

    /// - Parameters:
    ///   - files: whose `/sys` and `/proc`.
    ///   - devices: those of the miner; the processor is known as `cpu` without being named.
    ///   - nvml: NVML's library; nil: not looked at.
    ///   - now: monotonic time.
    package init(
        files: KernelFiles = KernelFiles(), devices: [SensedDevice] = [], nvml: String? = NVMLLibrary.fileName,
        now: @escaping @Sendable () -> Duration = SystemSensors.uptime
    ) {
        self.now = now
        var gpus: [NVMLDevice] = []
        var failure: NVMLLibrary.Failure?
        if let nvml, devices.contains(where: \.isNVIDIA) {
            do throws(NVMLLibrary.Failure) { gpus = try NVMLLibrary(path: nvml).devices() } catch { failure = error }
        }
        nvmlFailure = failure
        let matches = SensedDevice.match(devices, gpus.map { ($0.name, $0.pciAddress) })
        var states: [String: DeviceSensors] = [:]
        for device in [.processor] + devices where states[device.name] == nil {
            states[device.name] = DeviceSensors(device, files: files, gpu: matches[device.name].map { gpus[$0] })
        }
        let start = now()
        for name in states.keys { _ = states[name]?.measure(at: start) }
        self.states = Mutex(states)
    }

    package func read(device: String) -> SensorReading {
        let time = now()
        return states.withLock { states in
            guard var state = states[device] else { return SensorReading() }
            defer { states[device] = state }
            var reading = SensorReading(temperature: state.temperature(at: time, pause: Self.pause))
            if time - state.measuredAt >= Self.shortest || time < state.measuredAt { state.averages = state.measure(at: time) }
            (reading.power, reading.utilisation) = state.averages
            return reading
        }
    }

    /// Every sensor that was looked for, device by device: found or why not.
    package func report() -> [SensorReport] {
        states.withLock { states in
            states.values.sorted { ($0.device.isProcessor ? 0 : 1, $0.device.name) < ($1.device.isProcessor ? 0 : 1, $1.device.name) }.flatMap {
                $0.report(nvml: nvmlFailure)
            }
        }
    }

    /// Monotonic, and it goes on while the machine sleeps, as energy counters' clocks do not: a sleep makes an average smaller, never larger.
    package static let uptime: @Sendable () -> Duration = {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
