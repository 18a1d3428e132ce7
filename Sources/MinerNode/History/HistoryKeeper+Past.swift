import Wire

extension HistoryKeeper {
    /// What the pages show of the past: the last hour, the last day's sums, and the last event.
    struct Past: Sendable {
        var report: HistoryReport
        var latest: HistoryEvent?
    }

    /// The file is read every ten seconds at most, since nothing more is written there; what waits to be written is added.
    /// nil where the file can't be read.
    func past() async -> Past? {
        let now = wallMilliseconds / 1000
        let file: Past?
        if let kept = keptPast(now) {
            file = kept
        } else {
            file = try? await reading.run { () throws(Problem) in
                Past(report: try self.store.report(hours: 1, now: now), latest: try self.store.events(limit: 1).first)
            }
            if let file { keep(file, now) }
        }
        guard var past = file else { return nil }
        let (waiting, latest) = waiting
        past.report = past.report.adding(waiting)
        past.latest = latest ?? past.latest
        return past
    }
}

extension HistoryReport {
    /// With what was done since the last step was written.
    func adding(_ work: HistoryWork) -> HistoryReport {
        HistoryReport(
            from: from, to: to, deviceStep: deviceStep, workStep: workStep, devices: devices, work: self.work, lastHour: lastHour.adding(work),
            lastDay: lastDay.adding(work))
    }
}

extension HistoryWork {
    func adding(_ other: HistoryWork) -> HistoryWork {
        var sum = self
        for path in [\HistoryWork.jobs, \.failed, \.rejected, \.paid, \.units, \.earned] as [WritableKeyPath<HistoryWork, Int64> & Sendable] {
            let (value, over) = sum[keyPath: path].addingReportingOverflow(other[keyPath: path])
            sum[keyPath: path] = over ? .max : value
        }
        return sum
    }
}
