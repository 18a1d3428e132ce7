/// What sensors say of a device at one moment. nil: can't be read, or there is no such sensor; never guessed.
package struct SensorReading: Sendable, Equatable {
    /// In °C.
    package var temperature: Double?
    /// In watts, averaged since the reading before.
    package var power: Double?
    /// Share of the time that the device worked since the reading before, 0…1.
    package var utilisation: Double?

    package init(temperature: Double? = nil, power: Double? = nil, utilisation: Double? = nil) {
        (self.temperature, self.power, self.utilisation) = (temperature, power, utilisation)
    }
}

/// Where a governor reads its device's state. Synchronous and quick (files of the kernel, one call of a library).
package protocol SensorPort: Sendable {
    /// The reading of a device by its name in the miner (`cpu`, `opencl:0`, …).
    func read(device: String) -> SensorReading
}
