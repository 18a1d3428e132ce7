package import CoreMetrics
import Synchronization

/// One metric with one set of labels: a number, or a histogram's buckets.
package final class PrometheusSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler, Sendable {
    enum Kind: String { case counter, gauge, histogram }

    /// Upper bounds of the buckets: 0.5 ms to 2 minutes, for requests, blocks and kernels alike.
    static let bounds: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

    private struct Value {
        var number = 0.0
        var count = 0
        var buckets = [Int](repeating: 0, count: PrometheusSeries.bounds.count)
    }

    let kind: Kind
    private let labels: String
    private let value = Mutex(Value())

    init(kind: Kind, labels: String) {
        self.kind = kind
        self.labels = labels
    }

    package func increment(by amount: Int64) { add(Double(amount)) }
    package func increment(by amount: Double) { add(amount) }
    package func decrement(by amount: Double) { add(-amount) }
    package func set(_ value: Int64) { set(Double(value)) }
    package func set(_ value: Double) { self.value.withLock { $0.number = value } }
    package func record(_ value: Int64) { record(Double(value)) }
    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    package func preferDisplayUnit(_ unit: TimeUnit) {}
    package func reset() { value.withLock { $0 = Value() } }

    package func record(_ sample: Double) {
        guard kind == .histogram else { return set(sample) }
        guard sample.isFinite else { return }
        value.withLock { value in
            value.number += sample
            value.count += 1
            if let bucket = Self.bounds.firstIndex(where: { sample <= $0 }) { value.buckets[bucket] += 1 }
        }
    }

    private func add(_ amount: Double) {
        guard amount.isFinite else { return }
        value.withLock { $0.number += amount }
    }

    /// This series' lines of the exposition.
    func lines(_ name: String) -> String {
        let now = value.withLock { $0 }
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        guard kind == .histogram else { return "\(name)\(braces) \(Self.text(now.number))\n" }
        let comma = labels.isEmpty ? "" : labels + ","
        var text = ""
        var total = 0
        for (bound, count) in zip(Self.bounds, now.buckets) {
            total += count
            text += "\(name)_bucket{\(comma)le=\"\(Self.text(bound))\"} \(total)\n"
        }
        text += "\(name)_bucket{\(comma)le=\"+Inf\"} \(now.count)\n"
        return text + "\(name)_sum\(braces) \(Self.text(now.number))\n\(name)_count\(braces) \(now.count)\n"
    }

    /// Whole numbers without a fraction, others as Swift prints them; Prometheus reads both.
    private static func text(_ number: Double) -> String {
        if let whole = Int64(exactly: number) { return String(whole) }
        return number.isFinite ? "\(number)" : number.isNaN ? "NaN" : number < 0 ? "-Inf" : "+Inf"
    }

    /// Escapes `\`, newline and, in label values, `"`.
    static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
