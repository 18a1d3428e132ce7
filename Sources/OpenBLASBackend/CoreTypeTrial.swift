package import Wire

/// What a comparison of core types found. Worth keeping: it takes some tenths of a second, and of near-equal ones another would win at each start, so
/// that whatever hangs on the one in use would be measured anew.
package struct CoreTypeTrial: Sendable, Equatable {
    /// The one to use.
    package let used: CoreType
    /// OpenBLAS's version and build options with it, as the library tells them.
    package let configuration: String
    /// What each of them did, in operations per second, by the library's names.
    package let speeds: [String: Double]

    package init(used: CoreType, configuration: String, speeds: [String: Double]) {
        (self.used, self.configuration, self.speeds) = (used, configuration, speeds)
    }
}

extension CoreTypeTrial {
    /// Throws `out_of_range` and the like for what `json` never says.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "core types")
        guard let used = CoreType(rawValue: try fields.string("used", maxBytes: 32)) else { throw Problem(.outOfRange, "no such core type") }
        self.used = used
        configuration = try fields.string("configuration", maxBytes: 1024)
        guard case .object(let object) = try fields.value("speeds"), object.members.count <= 64 else { throw Problem(.badJSON, "no speeds") }
        var speeds: [String: Double] = [:]
        for (name, speed) in object.members {
            guard case .integer(let speed) = speed, speed > 0 else { throw Problem(.outOfRange, "a speed is a number above 0") }
            speeds[name] = Double(speed)
        }
        self.speeds = speeds
        try fields.finish()
    }

    package var json: JSON {
        let speeds = speeds.sorted { $0.key < $1.key }.map { ($0.key, JSON.integer(Int64(min(max($0.value, 1), 1e15)))) }
        return ["used": .string(used.rawValue), "configuration": .string(configuration), "speeds": .object(JSONObject(distinct: speeds))]
    }
}
