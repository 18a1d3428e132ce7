import Operations
import Sensors

/// The sensors that limits depend on: a target without a sensor means the careful pace for ever.
enum SensorChecks {
    static func findings(_ context: DoctorContext) -> [Finding] {
        guard let limits = try? LimitSettings.limits(context.settings) else { return [] }
        let reports = SystemSensors().report()
        return reports.compactMap { report in
            let isWanted =
                switch report.quantity {
                case .temperature: limits.targets.limits != nil
                case .power: limits.targets.power != nil
                case .utilisation: false
                }
            if let source = report.source { return isWanted ? .well(.sensors, "\(report.device) \(report.quantity.rawValue): \(source)") : nil }
            guard isWanted else { return nil }
            return .note(
                .sensors, "\(report.device): no \(report.quantity.rawValue) can be read\(report.reason.map { ": \($0)" } ?? "")",
                wanted: "a sensor for the limit \(report.quantity.rawValue)", why: "without it the device works at the careful pace (sensor_lost)",
                remedy: report.remedy ?? "adit miner set \(report.quantity.rawValue)=off")
        }
    }
}
