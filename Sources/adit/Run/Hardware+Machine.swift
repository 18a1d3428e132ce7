import Foundation
import Profiler
import Sensors

/// The machine around the devices: its inventory, its sensors, what it costs.
extension Hardware {
    /// The sensors of the processor and of every OpenCL device that was found, by the miner's names for them.
    func sensors() -> SystemSensors {
        SystemSensors(
            devices: accelerators.map { device in
                SensedDevice(
                    name: device.name, isProcessor: device.kind == "cpu", title: device.title, isNVIDIA: device.vendor.lowercased().contains("nvidia"),
                    pciAddress: device.pciAddress)
            })
    }

    /// - Parameter folder: the miner's data, whose disk is looked at.
    func inventory(folder: String, sensors: [SensorReport] = [], network: NetworkInventory.Measured? = nil) -> Inventory {
        Inventory.take(folder: folder, accelerators: accelerators, sensors: sensors, network: network)
    }

    /// - Parameter load: what went on while rates were measured, where that was watched.
    func costs(_ inventory: Inventory, load: LoadWatch.Outcome = LoadWatch.Outcome()) -> [EnvironmentCost] {
        EnvironmentCosts(environment: ProcessInfo.processInfo.environment, inventory: inventory, coreTypes: coreTypes, load: load).find()
    }
}
