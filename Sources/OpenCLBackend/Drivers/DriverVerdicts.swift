import Foundation
import Wire

/// What is known about drivers from earlier starts, by their fingerprints.
///
/// A file that is torn is as good as none: drivers are tried out again.
struct DriverVerdicts: Sendable, Equatable {
    /// More drivers than a machine ever had.
    private static let most = 64
    private(set) var verdicts: [String: DriverProbe.Verdict] = [:]

    static func load(_ folder: String?) -> DriverVerdicts {
        guard let folder, let data = FileManager.default.contents(atPath: "\(folder)/drivers.json"), data.count < 1 << 16,
            let verdicts = try? DriverVerdicts(reading: Array(data))
        else { return DriverVerdicts() }
        return verdicts
    }

    /// That it can't be kept costs a trial at the next start, and nothing else.
    func save(_ folder: String?) {
        guard let folder else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try? Data(bytes).write(to: URL(filePath: "\(folder)/drivers.json"), options: .atomic)
    }

    subscript(_ driver: Digest) -> DriverProbe.Verdict? { verdicts[driver.hex] }

    mutating func keep(_ verdict: DriverProbe.Verdict, of driver: Digest) {
        if case .sick(_, isLasting: false) = verdict { return }
        if verdicts.count >= Self.most { verdicts = [:] }
        verdicts[driver.hex] = verdict
    }

    init() {}

    var bytes: [UInt8] {
        let drivers = verdicts.sorted { $0.key < $1.key }.map { driver, verdict -> JSON in
            switch verdict {
            case .healthy: ["driver": .string(driver)]
            case .needless(let devices): ["driver": .string(driver), "needless": .array(devices.map(\.json))]
            case .sick(let reason, _): ["driver": .string(driver), "reason": .string(reason)]
            }
        }
        return (["version": 2, "drivers": .array(drivers)] as JSON).canonicalBytes
    }

    init(reading bytes: [UInt8]) throws(Problem) {
        var file = try JSONFields(try JSON.parse(bytes), "drivers")
        _ = try file.integer("version", in: 2...2)
        for item in try file.array("drivers", maxCount: Self.most) {
            var fields = try JSONFields(item, "driver")
            let driver = try fields.digest("driver").hex
            if let reason = try fields.optionalString("reason") {
                verdicts[driver] = .sick(reason, isLasting: true)
            } else if let devices = fields.optional("needless")?.arrayValue {
                verdicts[driver] = .needless(try JSON.map(devices, DeviceIdentity.init(reading:)))
            } else {
                verdicts[driver] = .healthy
            }
        }
    }
}
