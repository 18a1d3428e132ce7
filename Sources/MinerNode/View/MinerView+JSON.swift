package import Wire

extension MinerView {
    /// For the web page. What is not known is absent.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("now", .integer(max(0, now))), ("version", .string(version)), ("state", .string(state)), ("is_troubled", .bool(isTroubled)),
            ("chain", .string(chain)), ("address", .string(address)), ("payout", .string(payout)), ("coordinator", .string(coordinator)),
            ("node", .string(node)),
            ("devices", .array(devices.map(\.json))), ("jobs", .array(jobs.map(\.json))), ("hour", hour.json), ("day", day.json),
            ("receipts", .object(JSONObject(distinct: receipts.map { ($0.key, .integer($0.value)) }))),
        ]
        if let tier { members.append(("tier", .string(tier))) }
        if let placement { members.append(("placement", placement.json)) }
        if let download { members.append(("download", download.json)) }
        if let reason { members.append(("reason", reason.json)) }
        if let lastEvent { members.append(("last_event", lastEvent.json)) }
        return .object(JSONObject(distinct: members))
    }
}

extension MinerView.Reason {
    var json: JSON {
        var members: [(String, JSON)] = [("code", .string(code)), ("meaning", .string(meaning))]
        if let remedy { members.append(("remedy", .string(remedy))) }
        return .object(JSONObject(distinct: members))
    }
}

extension MinerView.Placement {
    var json: JSON {
        .members([("tier", .string(tier)), ("claimed", .string(claimed)), ("reason", reason?.json)])
    }
}

extension MinerView.Download {
    var json: JSON { ["bytes_per_second": .real(bytesPerSecond), "bytes": .real(bytes)] }
}

extension MinerView.Device {
    var json: JSON {
        var members: [(String, JSON)] = [
            ("name", .string(name)), ("model", .string(model)), ("usable", .bool(isUsable)), ("trend", .array(trend.map { .real(finite($0)?.rounded() ?? 0) })),
        ]
        for (key, value) in [
            ("rate", rate), ("temperature", temperature), ("power", power), ("busy", busy), ("duty", duty), ("joules_per_unit", joulesPerUnit),
        ] {
            if let value = value.flatMap(finite) { members.append((key, .real(value))) }
        }
        if let reason { members.append(("reason", reason.json)) }
        return .object(JSONObject(distinct: members))
    }

    private func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}

extension MinerView.Job {
    var json: JSON {
        var members: [(String, JSON)] = [
            ("id", .string(id)), ("kernel", .string(kernel)), ("stage", .string(stage)), ("progress", .real(progress.isFinite ? progress : 0)),
        ]
        if let device { members.append(("device", .string(device))) }
        if let leased { members.append(("leased", .integer(max(0, leased)))) }
        return .object(JSONObject(distinct: members))
    }
}

extension MinerView.Event {
    var json: JSON {
        var members: [(String, JSON)] = [("time_ms", .integer(max(0, atMilliseconds))), ("event", .string(name))]
        if let reason { members.append(("reason", reason.json)) }
        if let detail { members.append(("detail", .string(detail))) }
        return .object(JSONObject(distinct: members))
    }
}
