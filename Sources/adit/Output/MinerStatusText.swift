import Jobs
import Wire

/// A miner's `/status` as people read it: what it does and why no more, its devices, what it is allowed, what it holds and is owed.
enum MinerStatusText {
    static func lines(_ answer: JSON) -> [String] {
        let services = [
            "address    \(answer["address"]?.stringValue ?? "?")", "payout     \(answer["payout"]?.stringValue ?? "?")",
            "services   \(answer["coordinator"]?.stringValue ?? "?"), \(answer["node"]?.stringValue ?? "?")",
        ]
        return state(answer) + placement(answer["placement"]) + services + download(answer["download"])
            + (answer["backends"]?.arrayValue ?? []).flatMap(device) + limits(answer["limits"]) + (answer["leases"]?.arrayValue ?? []).map(lease)
            + ["receipts   \(ReceiptTable.counts { answer["outbox"]?[$0]?.integerValue })"] + problem(answer["problem"])
    }

    /// The state, the reason that it is no better, and what to do.
    private static func state(_ answer: JSON) -> [String] {
        let work = answer["work"]
        let word = work?["state"]?.stringValue ?? answer["state"]?.stringValue ?? "?"
        return ["state      \(word), \(tier(answer))"] + reason(work?["reason"], detail: work?["detail"]?.stringValue)
    }

    /// `tier trainer`, by the miner's own measurement, or what the coordinator makes of it.
    private static func tier(_ answer: JSON) -> String {
        if let tier = answer["placement"]?["tier"]?.stringValue, let claimed = answer["placement"]?["claimed"]?.stringValue, tier != claimed {
            return "tier \(tier), claims \(claimed)"
        }
        return "tier \(answer["tier"]?.stringValue ?? "not measured yet")"
    }

    /// Where the coordinator places the miner, by what it has shown, and why that isn't what the miner claims.
    private static func placement(_ placement: JSON?) -> [String] {
        guard let tier = placement?["tier"]?.stringValue, let claimed = placement?["claimed"]?.stringValue else { return [] }
        guard tier != claimed else { return ["placed     \(tier) by the coordinator, as claimed"] }
        let why = placement?["detail"]?.stringValue.map { ": \($0)" } ?? ""
        let remedy = placement?["reason"]?.stringValue.flatMap(WorkReason.init(rawValue:))?.remedy
        return block("placed", "\(tier) by the coordinator, not \(claimed)\(why)") + (remedy.map { block("", "-> \($0)") } ?? [])
    }

    /// How fast inputs come, as far as it is known.
    private static func download(_ download: JSON?) -> [String] {
        guard let rate = download?["bytes_per_second"]?.doubleValue, let bytes = download?["bytes"]?.doubleValue else {
            return ["download   speed not known: no input of 1 MiB or more has come yet"]
        }
        return ["download   \(Figures.rounded(rate / 1e6, 1)) MB/s over the last \(Figures.rounded(bytes / 1e6, 1)) MB"]
    }

    /// `reason     no_jobs: nobody has …` and what to do, indented.
    private static func reason(_ reason: JSON?, detail: String? = nil, label: String = "reason     ") -> [String] {
        guard let reason, let code = reason["code"]?.stringValue else { return [] }
        let meaning = "\(code): \(reason["meaning"]?.stringValue ?? "?")\(detail.map { " (\($0))" } ?? "")"
        var lines = block(label, meaning)
        if let remedy = reason["remedy"]?.stringValue, remedy != "nothing" { lines += block("", "-> \(remedy)") }
        return lines
    }

    /// A text under its label, at most 80 columns.
    private static func block(_ label: String, _ text: String) -> [String] {
        text.wrapped(
            first: label + String(repeating: " ", count: max(0, 11 - label.count)), rest: String(repeating: " ", count: 11), width: 80)
    }

    private static func device(_ device: JSON) -> [String] {
        let name = device["name"]?.stringValue ?? "?"
        let usable = device["usable"]?.boolValue ?? true
        let health = device["health"]?["state"]?.stringValue
        let state = usable ? "" : ", \(health ?? "not used")"
        var lines = block("device", "\(name): \(device["device"]?.stringValue ?? "?")\(state)")
        let figures = self.figures(device)
        if !figures.isEmpty { lines += block("", figures.joined(separator: ", ")) }
        if let throttle = device["throttle"] { lines += reason(throttle, label: "") }
        let why = device["health"]?["reason"]
        if !usable, why != nil { lines += reason(why, detail: device["reason"]?.stringValue, label: "") }
        if !usable, why == nil, let text = device["reason"]?.stringValue { lines += block("", text) }
        if !usable, let seconds = device["health"]?["nextAnswerSeconds"]?.integerValue, seconds > 0 { lines += block("", "tried again in \(seconds) s") }
        return lines
    }

    /// What sensors say, and how far the governor lets the device work; only what is known.
    private static func figures(_ device: JSON) -> [String] {
        var parts: [String] = []
        func add(_ name: String, _ unit: String, _ places: Int, times factor: Double = 1) {
            if let value = device[name]?.doubleValue { parts.append("\(Figures.rounded(value * factor, places))\(unit)") }
        }
        add("temperature", " °C", 1)
        add("watts", " W", 1)
        if let share = device["busy"]?.doubleValue {
            // What others do with it is another figure, told where it differs.
            let all = device["utilisation"]?.doubleValue.flatMap { $0 > share + 0.05 ? " (\(Figures.rounded($0 * 100, 0)) % with other programs)" : nil }
            parts.append("\(Figures.rounded(share * 100, 0)) % busy\(all ?? "")")
        }
        if let duty = device["duty"]?.doubleValue, duty < 1 { parts.append("held to \(Figures.rounded(duty * 100, 0)) %") }
        add("joules_per_unit", " J a unit", 3)
        return parts
    }

    /// Those that are set.
    private static func limits(_ limits: JSON?) -> [String] {
        let set = (limits?.objectValue?.members ?? []).compactMap { member in
            member.value.stringValue.flatMap { $0 == "off" ? nil : "\(member.key)=\($0)" }
        }
        return limits == nil ? [] : block("limits", set.isEmpty ? "none" : set.joined(separator: ", "))
    }

    private static func lease(_ lease: JSON) -> String {
        let share = Figures.rounded((lease["progress"]?.doubleValue ?? 0) * 100, 0)
        return "lease      \(lease["job_id"]?.stringValue ?? "?") \(lease["kernel"]?.stringValue ?? "?"), \(lease["stage"]?.stringValue ?? "?") \(share) %"
    }

    private static func problem(_ problem: JSON?) -> [String] {
        guard let problem else { return [] }
        return block("problem", "\(problem["code"]?.stringValue ?? "?"): \(problem["detail"]?.stringValue ?? "")")
    }
}
