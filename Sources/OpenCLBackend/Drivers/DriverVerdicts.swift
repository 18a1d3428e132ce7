import Foundation
import Wire

/// What is known about drivers from earlier starts, by their fingerprints: a reason for those that are left out, nothing for healthy ones.
///
/// A file that is torn is as good as none: drivers are tried out again.
struct DriverVerdicts: Sendable, Equatable {
    /// More drivers than a machine ever had.
    private static let most = 64
    private(set) var reasons: [String: String] = [:]

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

    subscript(_ driver: Digest) -> DriverProbe.Verdict? {
        reasons[driver.hex].map { $0.isEmpty ? .healthy : .sick($0, isLasting: true) }
    }

    mutating func keep(_ verdict: DriverProbe.Verdict, of driver: Digest) {
        if reasons.count >= Self.most { reasons = [:] }
        switch verdict {
        case .healthy: reasons[driver.hex] = ""
        case .sick(let reason, let isLasting): if isLasting { reasons[driver.hex] = reason }
        }
    }

    init() {}

    var bytes: [UInt8] {
        let drivers = reasons.sorted { $0.key < $1.key }.map { driver, reason -> JSON in ["driver": .string(driver), "reason": .string(reason)] }
        return (["version": 1, "drivers": .array(drivers)] as JSON).canonicalBytes
    }

    init(reading bytes: [UInt8]) throws(Problem) {
        var file = try JSONFields(try JSON.parse(bytes), "drivers")
        _ = try file.integer("version", in: 1...1)
        for item in try file.array("drivers", maxCount: Self.most) {
            var fields = try JSONFields(item, "driver")
            reasons[try fields.digest("driver").hex] = try fields.string("reason", maxBytes: 512)
        }
    }
}
