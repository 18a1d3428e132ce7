package import Wire

/// A stretch of the history, in steps of one length, as the local API gives it.
package struct HistoryReport: Sendable, Equatable {
    /// Means over one step. nil: nothing is known.
    package struct DevicePoint: Sendable, Equatable {
        /// The step's beginning, in Unix seconds.
        package let start: Int64
        /// Operations per second over the whole step, idle time included.
        package let rate: Double
        /// The share of the step that was spent computing, 0…1.
        package let busy: Double
        /// In °C.
        package let temperature: Double?
        /// In watts.
        package let power: Double?
        /// What the governor allowed, 0…1.
        package let duty: Double?
    }

    package struct Device: Sendable, Equatable {
        package let name: String
        package let points: [DevicePoint]
    }

    package struct WorkPoint: Sendable, Equatable {
        package let start: Int64
        package let work: HistoryWork
    }

    /// Unix seconds.
    package let from: Int64
    package let to: Int64
    package let deviceStep: Int64
    package let workStep: Int64
    package let devices: [Device]
    package let work: [WorkPoint]
    /// Over the last hour, and the last day.
    package let lastHour: HistoryWork
    package let lastDay: HistoryWork

    /// Points are arrays, in the order that `columns` names: 400 of them stay small.
    package var json: JSON {
        [
            "from": .integer(from), "to": .integer(to), "device_step_seconds": .integer(deviceStep), "work_step_seconds": .integer(workStep),
            "device_columns": ["start", "operations_per_second", "busy", "temperature", "power", "duty"],
            "work_columns": ["start", "jobs", "failed", "rejected", "paid", "units", "earned"],
            "devices": .array(devices.map { ["name": .string($0.name), "points": .array($0.points.map(Self.json))] }),
            "work": .array(work.map(Self.json)), "last_hour": lastHour.json, "last_day": lastDay.json,
        ]
    }

    private static func json(_ point: DevicePoint) -> JSON {
        [
            .integer(point.start), .real(point.rate.rounded()), .real(rounded(point.busy, 1e4)), optional(point.temperature, 10), optional(point.power, 10),
            optional(point.duty, 1e3),
        ]
    }

    private static func json(_ point: WorkPoint) -> JSON {
        let work = point.work
        return [
            .integer(point.start), .integer(work.jobs), .integer(work.failed), .integer(work.rejected), .integer(work.paid), .integer(work.units),
            .integer(work.earned),
        ]
    }

    private static func optional(_ value: Double?, _ places: Double) -> JSON { value.map { .real(rounded($0, places)) } ?? .null }
    private static func rounded(_ value: Double, _ places: Double) -> Double { (value * places).rounded() / places }
}

/// An event of the past.
package struct HistoryEvent: Sendable, Equatable {
    /// Rises with time.
    package let id: Int64
    package let atMilliseconds: Int64
    package let name: String
    /// A `WorkReason` or a problem's code.
    package let reason: String?
    package let facts: JSON

    package var json: JSON {
        var members: [(String, JSON)] = [("id", .integer(id)), ("time_ms", .integer(atMilliseconds)), ("event", .string(name)), ("facts", facts)]
        if let reason { members.append(("reason", .string(reason))) }
        return .object(JSONObject(distinct: members))
    }
}
