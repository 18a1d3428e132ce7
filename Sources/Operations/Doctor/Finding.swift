package import Wire

/// What `adit doctor` found out about one thing: what is there, what should be, why it matters, and the command that mends it.
package struct Finding: Sendable, Equatable {
    package enum Area: String, CaseIterable, Sendable {
        case config, keys, disk, limits, ports, clock, speed, libraries, drivers, sensors, coordinator, chain
    }

    package enum State: String, CaseIterable, Sendable {
        case well
        /// Works, and could be better.
        case note
        /// The miner doesn't start, or earns nothing, until it is mended.
        case broken
    }

    package let area: Area
    package let state: State
    package let found: String
    package let wanted: String?
    package let why: String?
    /// A command for a POSIX shell in the folder where the miner is started, or what a person has to do where no command can.
    package let remedy: String?

    package static func well(_ area: Area, _ found: String) -> Finding {
        Finding(area: area, state: .well, found: found, wanted: nil, why: nil, remedy: nil)
    }

    package static func note(_ area: Area, _ found: String, wanted: String, why: String, remedy: String) -> Finding {
        Finding(area: area, state: .note, found: found, wanted: wanted, why: why, remedy: remedy)
    }

    package static func broken(_ area: Area, _ found: String, wanted: String, why: String, remedy: String) -> Finding {
        Finding(area: area, state: .broken, found: found, wanted: wanted, why: why, remedy: remedy)
    }

    package var json: JSON {
        var members: [(String, JSON)] = [("area", .string(area.rawValue)), ("state", .string(state.rawValue)), ("found", .string(found))]
        for (name, value) in [("wanted", wanted), ("why", why), ("remedy", remedy)] { if let value { members.append((name, .string(value))) } }
        return .object(JSONObject(distinct: members))
    }

    /// For a terminal of 80 columns. The remedy stays on one line, to be copied.
    package var lines: [String] {
        let mark =
            switch state {
            case .well: "ok"
            case .note: "note"
            case .broken: "BROKEN"
            }
        let indent = String(repeating: " ", count: 20)
        var lines = found.wrapped(first: "\(Self.padded(mark, 7)) \(Self.padded(area.rawValue, 11)) ", rest: indent, width: 80)
        for (name, text) in [("wanted", wanted), ("why", why)] {
            if let text { lines += text.wrapped(first: "        \(Self.padded(name, 11)) ", rest: indent, width: 80) }
        }
        if let remedy { lines.append("        \(Self.padded("mend", 11)) \(remedy)") }
        return lines
    }

    private static func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
}
