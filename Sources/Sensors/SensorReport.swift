/// What is known about one sensor of a device: where its figure comes from, or why there is none.
package struct SensorReport: Sendable, Equatable {
    package enum Quantity: String, CaseIterable, Sendable { case temperature, power, utilisation }

    package let device: String
    package let quantity: Quantity
    /// Where the figure is read: `k10temp Tctl`, `RAPL package-0`, `NVML`; nil without one.
    package let source: String?
    /// Why there is none.
    package let reason: String?
    /// The command that mends it, if one does.
    package let remedy: String?

    package init(device: String, quantity: Quantity, source: String? = nil, reason: String? = nil, remedy: String? = nil) {
        (self.device, self.quantity, self.source, self.reason, self.remedy) = (device, quantity, source, reason, remedy)
    }
}
