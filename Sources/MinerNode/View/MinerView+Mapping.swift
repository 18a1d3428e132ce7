import Jobs
import Wire

extension MinerView {
    /// What `/status`, the history and the last events come to.
    ///
    /// - Parameters:
    ///   - status: as `GET /status` answers; what it lacks is not known.
    ///   - past: nil where the history can't be read.
    init(status: JSON, past: HistoryKeeper.Past?, now: Int64, version: String) {
        func text(_ key: String) -> String { status[key]?.stringValue ?? "" }
        let work = status["work"]
        self.init(now: now, version: version, state: work?["state"]?.stringValue ?? text("state"))
        tier = status["tier"]?.stringValue
        placement = status["placement"].flatMap(Self.placement)
        if let rate = status["download"]?["bytes_per_second"]?.doubleValue, let bytes = status["download"]?["bytes"]?.doubleValue {
            download = Download(bytesPerSecond: rate, bytes: bytes)
        }
        (chain, address, payout) = (text("chain_id"), text("address"), text("payout"))
        (coordinator, node) = (text("coordinator"), text("node"))
        reason = Self.reason(work?["reason"], detail: work?["detail"]?.stringValue)
        devices = status["backends"]?.arrayValue?.map { Self.device($0, past?.report) } ?? []
        jobs = status["leases"]?.arrayValue?.map(Self.job) ?? []
        if jobs.contains(where: { $0.stage == "computing" }) {
            // A computation tells its operations at its end: until then a device that has told none may be the one that computes.
            for index in devices.indices where devices[index].rate == 0 { devices[index].rate = nil }
        }
        (hour, day) = past.map { ($0.report.lastHour, $0.report.lastDay) } ?? (hour, day)
        for phase in OutboxEntry.Phase.names { receipts[phase] = status["outbox"]?[phase]?.integerValue }
        lastEvent = past?.latest.map(Event.init)
        let services = ServiceAddresses(coordinator: coordinator, node: node)
        reason = reason.map { $0.with(services) }
        lastEvent = lastEvent.map { event in
            var event = event
            event.reason = event.reason.map { $0.with(services) }
            return event
        }
    }

    private static func device(_ json: JSON, _ report: HistoryReport?) -> Device {
        var device = Device(
            name: json["name"]?.stringValue ?? "?", model: json["device"]?.stringValue ?? "", isUsable: json["usable"]?.boolValue ?? true)
        let health = reason(json["health"]?["reason"], detail: json["health"]?["detail"]?.stringValue)
        device.reason = device.isUsable ? reason(json["throttle"]) : health ?? reason(json["reason"])
        device.temperature = json["temperature"]?.doubleValue
        device.power = json["watts"]?.doubleValue
        device.duty = json["duty"]?.doubleValue
        device.busy = json["busy"]?.doubleValue
        device.joulesPerUnit = json["joules_per_unit"]?.doubleValue
        guard let report, let points = report.devices.first(where: { $0.name == device.name })?.points else { return device }
        // The last minute: the step that is running now is not full yet, and a job still running has not told its operations.
        let recent = points.filter { $0.start > report.to - 70 && $0.start <= report.to - 10 }
        if !recent.isEmpty { device.rate = recent.reduce(0) { $0 + $1.rate } / 6 }
        let last = points.last { $0.start > report.to - 40 }
        device.temperature = device.temperature ?? last?.temperature
        device.power = device.power ?? last?.power
        device.duty = device.duty ?? last?.duty
        device.trend = trend(points, from: report.from, to: report.to)
        return device
    }

    /// Sixty means of a minute each (of an hour's report).
    private static func trend(_ points: [HistoryReport.DevicePoint], from: Int64, to: Int64) -> [Double] {
        let width = max(1, (to - from) / 60)
        var sums = [Double](repeating: 0, count: 60)
        for point in points where point.start >= from { sums[min(59, Int(clamping: (point.start - from) / width))] += point.rate / Double(width) * 10 }
        return sums
    }

    private static func placement(_ json: JSON) -> Placement? {
        guard let tier = json["tier"]?.stringValue, let claimed = json["claimed"]?.stringValue else { return nil }
        let reason = json["reason"]?.stringValue.map { code in
            // The list's words are about jobs.
            Reason(code: code, meaning: json["detail"]?.stringValue ?? code, remedy: WorkReason(rawValue: code)?.remedy)
        }
        return Placement(tier: tier, claimed: claimed, reason: reason)
    }

    private static func job(_ json: JSON) -> Job {
        Job(
            id: json["job_id"]?.stringValue ?? "?", kernel: json["kernel"]?.stringValue ?? "?", stage: json["stage"]?.stringValue ?? "",
            device: json["backend"]?.stringValue, progress: min(1, max(0, json["progress"]?.doubleValue ?? 0)),
            leased: json["times_ms"]?["leased"]?.integerValue)
    }

    /// A reason as `/status` gives it: an object with its code, a code alone, or a sentence alone.
    static func reason(_ json: JSON?, detail: String? = nil) -> Reason? {
        switch json {
        case .string(let text): WorkReason(rawValue: text).map { explained($0.rawValue, detail: detail) } ?? Reason(code: "", meaning: text)
        case .object(let object):
            object["code"].flatMap(\.stringValue).map { explained($0, detail: detail ?? object["detail"]?.stringValue, remedy: object["remedy"]?.stringValue) }
        default: nil
        }
    }

    /// The list's own words where the code is on it, and what is known beyond them.
    static func explained(_ code: String, detail: String?, remedy: String? = nil) -> Reason {
        guard let known = WorkReason(rawValue: code) else { return Reason(code: code, meaning: detail ?? code, remedy: remedy) }
        guard let detail, detail != known.meaning, !detail.isEmpty else { return Reason(known) }
        return Reason(code: code, meaning: "\(known.meaning): \(detail)", remedy: remedy ?? known.remedy)
    }
}

extension MinerView.Reason {
    /// With a remedy that can be pasted.
    fileprivate func with(_ services: ServiceAddresses) -> MinerView.Reason {
        MinerView.Reason(code: code, meaning: meaning, remedy: remedy.map(services.filled))
    }

    init(_ reason: WorkReason) { self.init(code: reason.rawValue, meaning: reason.meaning, remedy: reason.remedy) }
}

extension MinerView.Event {
    init(_ event: HistoryEvent) {
        let detail = (event.facts["detail"] ?? event.facts["note"] ?? event.facts["address"])?.stringValue
        let reason = event.reason.map { MinerView.explained($0, detail: detail) }
        self.init(atMilliseconds: event.atMilliseconds, name: event.name, reason: reason, detail: reason == nil ? detail : nil)
    }
}
