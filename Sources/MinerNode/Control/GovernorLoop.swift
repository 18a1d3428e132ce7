import Foundation
import Jobs
import Kernels
import Operations
import Synchronization
import Wire

/// Reads each device's sensors twice a second, asks its governor for the pace, and has the device keep it: fewer threads, and rests between pieces of
/// work. Without targets it only reads, once a second, for who watches, and holds the operator's number of threads.
final class GovernorLoop: Sendable {
    private let devices: DevicePool
    private let limits: LiveLimits
    private let sensors: (any SensorPort)?
    private let events: EventSink
    private let start = ContinuousClock.now
    /// Sensors are files and libraries of vendors: quick, and not surely so.
    private let queue = DiskQueue("sensors")
    /// Threads of the CPU at full speed.
    private let cores: Int

    /// How long the governor wants another number of threads before it is given: a library that is tried again with it takes tenths of a second, and
    /// rests keep the pace meanwhile.
    private static let threadsAfter = Duration.seconds(10)

    init(
        devices: DevicePool, limits: LiveLimits, sensors: (any SensorPort)?, events: EventSink, cores: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        (self.devices, self.limits, self.sensors, self.events, self.cores) = (devices, limits, sensors, events, max(1, cores))
    }

    /// Governs all devices until the task is canceled.
    func run() async {
        await withDiscardingTaskGroup { group in for device in devices.all { group.addTask { await self.govern(device) } } }
    }

    private func govern(_ device: MinerDevice) async {
        let all = device.isCPU ? cores : 1
        var governor = Governor(targets: limits.now.targets, threads: all)
        var meter = EnergyMeter()
        var (lastUnits, lastWorked, last) = (Int64(0), Duration.zero, ContinuousClock.now)
        var (threads, wanted, wantedSince) = (all, all, ContinuousClock.now)
        let inUse = DeviceThreads(device.backend, all: all)
        var throttle = device.throttle
        while !Task.isCancelled {
            let now = limits.now
            let isGoverned = now.targets != GovernorTargets()
            let reading = await queue.run { self.sensors?.read(device: device.name) ?? SensorReading() }
            let time = ContinuousClock.now
            let (units, worked) = (device.figures.units, device.pacer.worked(now: time))
            meter.add(power: reading.power, units: Double(max(0, units - lastUnits)), at: time - start)
            // All threads that may compute do while one works; a run with fewer of them is that share of full speed.
            let (most, given) = (min(all, max(1, now.threads ?? all)), inUse.given)
            let share = (worked - lastWorked) / max(time - last, .milliseconds(1)) * Double(given) / Double(all)
            (lastUnits, lastWorked, last) = (units, worked, time)

            (governor.targets, governor.threads) = (now.targets, all)
            let pace = governor.step(reading, worked: share, at: time - start)
            if pace.threads != wanted { (wanted, wantedSince) = (pace.threads, time) }
            if wanted != threads, time - wantedSince >= Self.threadsAfter || !isGoverned { threads = wanted }
            // The operator's limit counts at once: by rests, until the device has no more threads than that.
            if device.isCPU { inUse.want(min(threads, most)) }
            let duty = min(pace.duty, Double(most) / Double(all))
            device.pacer.pace(duty: min(1, duty * Double(all) / Double(inUse.given)), batchShare: pace.batchShare)
            device.note(reading, meter, throttle: pace.reason)
            if pace.reason != throttle {
                throttle = pace.reason
                var facts: [String: JSON] = ["backend": .string(device.name), "duty": .real((pace.duty * 1_000).rounded() / 1_000)]
                if let reason = pace.reason { facts["reason"] = .string(reason.rawValue) }
                if let degrees = reading.temperature, degrees.isFinite { facts["temperature"] = .real((degrees * 10).rounded() / 10) }
                if let watts = reading.power, watts.isFinite { facts["watts"] = .real((watts * 10).rounded() / 10) }
                events.emit(pace.reason == nil ? .deviceUnthrottled : .deviceThrottled, facts)
            }
            try? await Task.sleep(for: isGoverned ? .milliseconds(500) : .seconds(1))
        }
    }
}
