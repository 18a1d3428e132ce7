package import CoreMetrics
import Synchronization

/// Metrics of one service, for swift-metrics, with Prometheus' text exposition.
///
/// None of the listed packages exports Prometheus text (swift-metrics is an interface alone), hence this one.
/// Counters, meters (gauges) and timers or aggregating recorders (histograms, timers in seconds) are kept; a recorder
/// that doesn't aggregate is a gauge. It is passed as `factory:`; nothing global is bootstrapped.
/// Bounded: at most 128 label sets a metric; what goes over it, or changes a metric's kind, is counted and not kept.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    static let maximumSeries = 128
    /// Spellings of series that are found without being cleaned first.
    private static let maximumKnown = 4_096

    struct Family {
        let kind: PrometheusSeries.Kind
        var series: [String: PrometheusSeries] = [:]
    }

    struct State {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
        /// Kept series by the label and dimensions as they were given: most uses are of one that was used before.
        var known: [String: PrometheusSeries] = [:]
        var refused = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Sets a metric's `HELP` line.
    package func describe(_ name: String, _ help: String) {
        state.withLock { $0.help[Self.clean(name)] = help }
    }

    /// The exposition, version 0.0.4: families and series in order of their names.
    package func exposition() -> String {
        state.withLock { state in
            var text = ""
            for (name, family) in state.families.sorted(by: { $0.key < $1.key }) {
                if let help = state.help[name] { text += "# HELP \(name) \(PrometheusSeries.escape(help, quotes: false))\n" }
                text += "# TYPE \(name) \(family.kind.rawValue)\n"
                for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { text += series.lines(name) }
            }
            return text + "# HELP adit_metrics_refused_total Uses of metrics with too many label sets, or of another kind than before.\n"
                + "# TYPE adit_metrics_refused_total counter\nadit_metrics_refused_total \(state.refused)\n"
        }
    }

    /// The series' content type.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge)
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label.hasSuffix("_seconds") ? label : label + "_seconds", dimensions, .histogram)
    }

    // A series lives as long as its registry: handlers are made anew for each use and share it.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: PrometheusSeries.Kind) -> PrometheusSeries {
        var given = label
        for (name, value) in dimensions { given += "\u{0}" + name + "\u{0}" + value }
        if let known = state.withLock({ $0.known[given] }), known.kind == kind { return known }
        let name = Self.clean(label)
        let key = dimensions.map { Self.clean($0.0) + "=\"" + PrometheusSeries.escape($0.1, quotes: true) + "\"" }.sorted().joined(separator: ",")
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            if family.kind == kind, let known = family.series[key] {
                if state.known.count < Self.maximumKnown { state.known[given] = known }
                return known
            }
            let fresh = PrometheusSeries(kind: kind, labels: key)
            guard family.kind == kind, family.series.count < Self.maximumSeries else {
                state.refused += 1
                return fresh
            }
            family.series[key] = fresh
            state.families[name] = family
            if state.known.count < Self.maximumKnown { state.known[given] = fresh }
            return fresh
        }
    }

    /// A name of Prometheus' alphabet: every other character becomes `_`.
    private static func clean(_ name: String) -> String {
        let kept = name.unicodeScalars.map { scalar -> Character in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == ":") ? Character(scalar) : "_"
        }
        return kept.first?.isNumber ?? true ? "_" + String(kept) : String(kept)
    }
}
