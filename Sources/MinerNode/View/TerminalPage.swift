/// The live page of a miner in a terminal: a pure function of what there is to see and the terminal's size.
///
/// One screen, quiet: nothing blinks or scrolls, and every figure has its place. Made for 80 × 24; smaller terminals lose the less important
/// lines first, larger ones get curves and more devices, jobs and words.
package struct TerminalPage: Sendable, Equatable {
    package struct Size: Sendable, Equatable {
        package var columns: Int
        package var rows: Int

        /// Bounded: a terminal that says it is a million columns wide gets 400.
        package init(columns: Int, rows: Int) { (self.columns, self.rows) = (min(max(columns, 1), 400), min(max(rows, 1), 200)) }
    }

    package var size: Size
    /// With addresses, models and the last log lines before the tables, which take what room is left.
    package var showsDetails = false
    /// Bars and curves in block characters; else in ASCII.
    package var isUnicode = true
    /// What a key that was pressed came to.
    package var notice: String?
    /// The newest last.
    package var log: [String] = []
    /// Added to UTC for the times of day, in seconds.
    package var secondsFromUTC: Int64 = 0

    package init(size: Size) { self.size = size }

    /// At most `size.rows` lines of at most `size.columns` columns.
    package func lines(_ view: MinerView) -> [TerminalLine] {
        let foot = [TerminalLine(), keys(view)]
        var blocks = [head(view), devices(view), jobs(view), work(view), receipts(view), event(view)]
        if showsDetails {
            let details = details(view)
            let lastLines = lastLines(size.rows - foot.count - blocks[0].count - details.count - 2)
            blocks.insert(contentsOf: [details, lastLines], at: 1)
        }
        // Parts give way from the last one: what has no room is not shown by half.
        var lines: [TerminalLine] = []
        let room = size.rows - foot.count
        for (index, block) in blocks.enumerated() where !block.isEmpty {
            let gap = index == 0 || lines.isEmpty ? [] : [TerminalLine()]
            if lines.count + gap.count + block.count <= room {
                lines += gap + block
            } else if lines.count + block.count <= room {
                lines += block
            } else {
                lines += (gap + block).prefix(max(0, room - lines.count))
            }
        }
        lines += Array(repeating: TerminalLine(), count: max(0, room - lines.count))
        lines += foot
        return lines.suffix(size.rows).map { $0.cut(to: size.columns) }
    }

    // MARK: parts

    private func head(_ view: MinerView) -> [TerminalLine] {
        var line = TerminalLine()
        line.add("adit \(view.version)", .strong)
        line.add("  ")
        let state = Self.word(view)
        line.add(state, Self.style(view))
        var right = [Self.tier(view), view.chain.isEmpty ? nil : Self.safe(view.chain), clock(view.now, seconds: true)].compactMap {
            $0
        }
        // The clock stays, the rest goes where it is narrow.
        while right.count > 1, line.width + 2 + TerminalText.width(right.joined(separator: "   ")) > size.columns { right.removeFirst() }
        let end = right.joined(separator: "   ")
        line.tab(to: size.columns - TerminalText.width(end))
        line.add(end, .faint)
        var lines = [line, TerminalLine(String(repeating: isUnicode ? "─" : "-", count: size.columns), .faint)]
        if let reason = view.reason { lines += sentence(reason, label: "", indent: 0) }
        return lines
    }

    /// Lines that a list of devices and a list of jobs may have.
    private var listRows: Int { max(3, (size.rows - 16) / 2) }

    private func devices(_ view: MinerView) -> [TerminalLine] {
        guard !view.devices.isEmpty else { return [TerminalLine("no device is known yet: they are looked for when the miner starts", .faint)] }
        let wide = size.columns >= 100
        var header = TerminalLine(TerminalText.left("device", 12), .faint)
        for title in ["rate", "busy", "temp", "power", "pace"] { header.add(TerminalText.right(title, title == "rate" ? 13 : 8), .faint) }
        if wide { header.add("  last hour", .faint) }
        var lines = [header]
        let shown = view.devices.count > listRows ? Array(view.devices.prefix(listRows - 1)) : view.devices
        for device in shown { lines += row(device, wide) }
        if shown.count < view.devices.count { lines.append(TerminalLine("and \(view.devices.count - shown.count) more: adit miner status", .faint)) }
        return lines
    }

    private func row(_ device: MinerView.Device, _ wide: Bool) -> [TerminalLine] {
        var line = TerminalLine(TerminalText.left(Self.safe(device.name), 12), device.isUsable ? .plain : .bad)
        guard device.isUsable else {
            line.add("  not used  ", .bad)
            let why = device.reason.map { [$0.code, $0.meaning].filter { !$0.isEmpty }.joined(separator: ": ") } ?? "no reason is known"
            line.add(Self.safe(why))
            return [line]
        }
        line.add(TerminalText.right(device.rate.map(Self.rate) ?? "-", 13))
        line.add(TerminalText.right(Self.percent(device.busy), 8))
        line.add(TerminalText.right(device.temperature.map { "\(Self.fixed($0, 0)) °C" } ?? "-", 8))
        line.add(TerminalText.right(device.power.map { "\(Self.fixed($0, 0)) W" } ?? "-", 8))
        line.add(TerminalText.right(Self.percent(device.duty), 8), device.duty.map { $0 < 0.995 } == true ? .warning : .plain)
        if let reason = device.reason {
            line.add("  \(Self.safe(reason.code.isEmpty ? reason.meaning : reason.code))", .warning)
        } else if wide {
            line.add("  \(curve(device.trend, columns: min(60, size.columns - line.width - 3)))", .accent)
        }
        return [line]
    }

    private func jobs(_ view: MinerView) -> [TerminalLine] {
        guard !view.jobs.isEmpty else { return [TerminalLine("no job now", .faint)] }
        // One with its bar is worth more than many names.
        let ordered = view.jobs.sorted { ($0.stage == "computing" ? 0 : 1, $0.id) < ($1.stage == "computing" ? 0 : 1, $1.id) }
        let shown = ordered.prefix(ordered.count > listRows ? listRows - 1 : listRows)
        var lines = shown.map { job in
            var line = TerminalLine(TerminalText.left(Self.safe(job.kernel), 12))
            line.add(TerminalText.left(Self.safe(job.id), 14) + "  ", .faint)
            line.add(TerminalText.left(Self.safe([job.stage, job.device].compactMap { $0 }.joined(separator: " on ")), 22))
            let columns = size.columns - line.width - 7
            if columns >= 6 { line.add(" " + bar(job.progress, columns: min(columns, 60)), .accent) }
            line.add(TerminalText.right("\(Self.fixed((job.progress * 100).rounded(.down), 0)) %", 6))
            return line
        }
        if shown.count < view.jobs.count { lines.append(TerminalLine("and \(view.jobs.count - shown.count) more", .faint)) }
        return lines
    }

    private func work(_ view: MinerView) -> [TerminalLine] {
        var header = TerminalLine(TerminalText.left("", 12), .faint)
        for title in ["jobs", "failed", "rejected", "paid"] { header.add(TerminalText.right(title, 11), .faint) }
        header.add(TerminalText.right("AIT", 16), .faint)
        return [header]
            + [("last hour", view.hour), ("last day", view.day)].map { name, work in
                var line = TerminalLine(TerminalText.left(name, 12), .faint)
                line.add(TerminalText.right(Self.grouped(work.jobs), 11))
                line.add(TerminalText.right(Self.grouped(work.failed), 11), work.failed > 0 ? .warning : .plain)
                line.add(TerminalText.right(Self.grouped(work.rejected), 11), work.rejected > 0 ? .bad : .plain)
                line.add(TerminalText.right(Self.grouped(work.paid), 11))
                line.add(TerminalText.right(Self.amount(work.earned), 16), .strong)
                return line
            }
    }

    private func receipts(_ view: MinerView) -> [TerminalLine] {
        var line = TerminalLine(TerminalText.left("receipts", 12), .faint)
        let parts = OutboxEntry.Phase.names.map { ($0, view.receipts[$0] ?? 0) }
        for (index, part) in parts.enumerated() {
            if index > 0 { line.add(isUnicode ? " · " : " | ", .faint) }
            line.add("\(Self.grouped(part.1)) ", part.0 == "rejected" && part.1 > 0 ? .bad : part.1 > 0 ? .plain : .faint)
            line.add(part.0, .faint)
        }
        return [line]
    }

    private func event(_ view: MinerView) -> [TerminalLine] {
        guard let event = view.lastEvent else { return [] }
        var line = TerminalLine(TerminalText.left("last event", 12), .faint)
        line.add("\(clock(event.atMilliseconds, seconds: true)) ", .faint)
        line.add(Self.safe(event.name))
        if let reason = event.reason {
            if !reason.code.isEmpty { line.add(" (\(Self.safe(reason.code)))", .warning) }
            return [line] + sentence(reason, label: "", indent: 12)
        }
        if let detail = event.detail { line.add("  \(Self.safe(detail))") }
        return [line]
    }

    /// What it means, and what to do: on 80 columns at most two lines each.
    private func sentence(_ reason: MinerView.Reason, label: String, indent: Int) -> [TerminalLine] {
        let pad = String(repeating: " ", count: indent)
        let most = size.rows >= 30 ? 3 : 2
        var lines = TerminalText.wrap(Self.safe(reason.meaning), size.columns - indent, lines: most).map { TerminalLine(pad + $0) }
        if let remedy = reason.remedy, remedy != "nothing" {
            lines += TerminalText.wrap(Self.safe(remedy), size.columns - indent, lines: most).map { TerminalLine(pad + $0, .faint) }
        }
        return lines
    }

    private func details(_ view: MinerView) -> [TerminalLine] {
        var lines = [("address", view.address), ("payout", view.payout), ("coordinator", view.coordinator), ("node", view.node)].map { name, text in
            TerminalLine(TerminalText.left(name, 12), .faint).adding(Self.safe(text))
        }
        lines.append(TerminalLine(TerminalText.left("placed", 12), .faint).adding(Self.placement(view)))
        lines.append(TerminalLine(TerminalText.left("download", 12), .faint).adding(Self.download(view)))
        for device in view.devices.prefix(listRows) {
            lines.append(TerminalLine(TerminalText.left(Self.safe(device.name), 12), .faint).adding(Self.energy(device)).adding(Self.safe(device.model)))
        }
        return lines
    }

    /// A third of the page at most, and no more than there is room for: the newest are the ones to see.
    private func lastLines(_ room: Int) -> [TerminalLine] { log.suffix(max(0, min(size.rows / 3, room))).map { TerminalLine(Self.safe($0), .faint) } }

    private func keys(_ view: MinerView) -> TerminalLine {
        if let notice { return TerminalLine(Self.safe(notice), .warning) }
        var line = TerminalLine()
        for (key, name) in [("p", "pause"), ("r", "resume"), ("d", "drain"), ("i", showsDetails ? "less" : "details"), ("q", "quit")] {
            line.add(key, .strong)
            line.add(" \(name)   ", .faint)
        }
        return line
    }
}
