import Foundation
import Kernels

/// A roofline plot as SVG: operations for each byte that has to move at least, against operations per second; the roof is the measured peak and the
/// measured memory.
///
/// Source: S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 52(4), 2009. Both axes are logarithmic.
struct Roofline {
    private static let (width, height) = (640.0, 420.0)
    private static let (left, right, top, bottom) = (64.0, 16.0, 18.0, 46.0)

    private let rows: [RateRow]
    /// Bytes per second of the device's memory; nil where it isn't known.
    private let memory: Double?
    /// The highest peak that was measured for a format, and its name.
    private let peaks: [(dtype: DType, perSecond: Double, name: String)]
    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>

    /// - Returns: nil where there is nothing to plot.
    init?(_ table: RateTable, device: String) {
        let all = table.rows.filter { $0.device == device }
        // The device as jobs see it; its libraries one by one only where nothing else was measured.
        let plotted = all.filter { ($0.intensity ?? 0) > 0 && $0.perSecond > 0 }
        let whole = plotted.filter { $0.backend == device }
        rows = whole.isEmpty ? plotted : whole
        guard !rows.isEmpty else { return nil }
        let memory = all.filter { $0.kind == .memoryCopy && $0.perSecond > 0 }.map { Double($0.perSecond) }.max()
        let peaks: [(dtype: DType, perSecond: Double, name: String)] = [DType.i8, .bf16, .f32, .f64].compactMap { dtype in
            let best = all.filter { $0.dtype == dtype && $0.peakPerSecond ?? 0 > 0 }.max { ($0.peakPerSecond ?? 0) < ($1.peakPerSecond ?? 0) }
            return best.map { (dtype, Double($0.peakPerSecond ?? 0), $0.peakName ?? "") }
        }
        let intensities = rows.compactMap(\.intensity)
        let speeds = rows.map { Double($0.perSecond) } + peaks.map(\.perSecond)
        let ridge = memory.map { memory in peaks.map { $0.perSecond / memory } } ?? []
        (self.memory, self.peaks) = (memory, peaks)
        x = Self.powers((intensities + ridge).min() ?? 1, (intensities + ridge).max() ?? 1, base: 2)
        // Room above and below, and two powers of ten at least, which are what the axis is labelled with.
        let most = min(max((speeds.max() ?? 1) * 1.8, 1), 1e18)
        y = max(min((speeds.min() ?? 1) / 1.8, most / 110), 1e-9)...most
    }

    /// From the power of the base below to the one above; at least one step, at most forty.
    private static func powers(_ least: Double, _ most: Double, base: Double) -> ClosedRange<Double> {
        let low = floor(log(max(least, 1e-6)) / log(base) - 0.05)
        let high = min(max(ceil(log(max(most, 1e-6)) / log(base) + 0.05), low + 1), low + 40)
        return pow(base, low)...pow(base, high)
    }

    private func px(_ value: Double) -> Double {
        Self.left + (log(value) - log(x.lowerBound)) / (log(x.upperBound) - log(x.lowerBound)) * (Self.width - Self.left - Self.right)
    }

    private func py(_ value: Double) -> Double {
        Self.height - Self.bottom - (log(value) - log(y.lowerBound)) / (log(y.upperBound) - log(y.lowerBound)) * (Self.height - Self.top - Self.bottom)
    }

    var svg: String {
        let (w, h) = (Self.number(Self.width), Self.number(Self.height))
        return """
            <svg viewBox="0 0 \(w) \(h)" role="img" aria-label="Roofline: operations per byte against operations per second">
            \(grid)
            \(roof)
            \(rows.map(point).joined(separator: "\n"))
            </svg>
            """
    }

    private var grid: String {
        var parts: [String] = []
        let (x0, x1, y0, y1) = (Self.left, Self.width - Self.right, Self.top, Self.height - Self.bottom)
        let steps = log2(x.upperBound / x.lowerBound)
        // At most eight numbers below, so that they don't touch each other.
        let stride = max(1, Int((steps / 8).rounded(.up)))
        for (index, power) in Swift.stride(from: log2(x.lowerBound).rounded(), through: log2(x.upperBound).rounded(), by: 1).enumerated() {
            let at = px(pow(2, power))
            parts.append(Self.line("grid", at, y0, at, y1))
            if index % stride == 0 { parts.append(Self.text("tick", at, y1 + 16, "middle", power < 0 ? "1/\(Int(pow(2, -power)))" : "\(Int(pow(2, power)))")) }
        }
        for power in Swift.stride(from: ceil(log10(y.lowerBound)), through: floor(log10(y.upperBound)), by: 1) {
            let at = py(pow(10, power))
            parts.append(Self.line("grid", x0, at, x1, at))
            parts.append(Self.text("tick", x0 - 6, at + 4, "end", Self.tick(power)))
        }
        parts.append(Self.text("axis", (x0 + x1) / 2, Self.height - 8, "middle", "operations per byte moved"))
        parts.append(Self.text("axis", x0 + 4, y0 - 5, "start", "operations per second"))
        return parts.joined(separator: "\n")
    }

    /// 10^11 as `100 G`.
    private static func tick(_ power: Double) -> String {
        let exponent = Int(power)
        guard exponent >= 0 else { return "10^\(exponent)" }
        let prefixes = ["", " K", " M", " G", " T", " P", " E"]
        let group = min(exponent / 3, prefixes.count - 1)
        return "1" + String(repeating: "0", count: exponent - 3 * group) + prefixes[group]
    }

    private var roof: String {
        var parts: [String] = []
        var labels: [String] = []
        let ceiling = peaks.map(\.perSecond).max() ?? y.upperBound
        if let memory {
            let start = max(x.lowerBound, y.lowerBound / memory)
            let end = min(x.upperBound, ceiling / memory)
            if end > start {
                parts.append(Self.line("roof memory", px(start), py(start * memory), px(end), py(end * memory)))
                // Along the slope, a little above it.
                let slope = atan2(py(end * memory) - py(start * memory), px(end) - px(start)) * 180 / .pi
                let middle = (start * end).squareRoot()
                let (mx, my) = (Self.number(px(middle) - 6), Self.number(py(middle * memory) - 8))
                let label = Self.escape("memory " + RateText.bytes(memory))
                parts.append("<text class=\"label\" text-anchor=\"middle\" transform=\"translate(\(mx) \(my)) rotate(\(Self.number(slope)))\">\(label)</text>")
            }
        }
        var lowest = -Double.infinity
        // From the top down; labels of peaks that lie close together make room for each other.
        for peak in peaks.sorted(by: { $0.perSecond > $1.perSecond }) {
            let start = memory.map { min(max(peak.perSecond / $0, x.lowerBound), x.upperBound) } ?? x.lowerBound
            let at = py(peak.perSecond)
            parts.append(Self.line("roof \(peak.dtype.rawValue)", px(start), at, Self.width - Self.right, at))
            let rate = RateText.operations(peak.perSecond, peak.dtype)
            lowest = max(at - 5, lowest + 19)
            // Where the roof begins, left of the points; at its end where it begins too late for that.
            let (place, anchor) = px(start) < 0.6 * Self.width ? (px(start) + 8, "start") : (Self.width - Self.right, "end")
            labels.append(Self.text("label \(peak.dtype.rawValue)", place, lowest, anchor, "\(peak.dtype.rawValue) peak \(rate)"))
        }
        return (parts + labels).joined(separator: "\n")
    }

    /// A circle for a product, a square for a convolution, a triangle for attention; what it is shows on pointing at it.
    private func point(_ row: RateRow) -> String {
        let (cx, cy) = (px(min(max(row.intensity ?? 1, x.lowerBound), x.upperBound)), py(min(max(Double(row.perSecond), y.lowerBound), y.upperBound)))
        let share = row.share == nil ? "" : ", \(RateText.percent(row.share)) of the peak"
        let title = "\(row.backend): \(RateText.work(row)), \(RateText.rate(row.perSecond, row))\(share)"
        let shape: String
        switch row.kind {
        case .conv2d: shape = "<rect x=\"\(Self.number(cx - 4.5))\" y=\"\(Self.number(cy - 4.5))\" width=\"9\" height=\"9\"/>"
        case .attention:
            let points = [(0.0, -5.5), (5.5, 4.5), (-5.5, 4.5)].map { "\(Self.number(cx + $0.0)),\(Self.number(cy + $0.1))" }.joined(separator: " ")
            shape = "<polygon points=\"\(points)\"/>"
        default: shape = "<circle cx=\"\(Self.number(cx))\" cy=\"\(Self.number(cy))\" r=\"5\"/>"
        }
        return "<g class=\"point \(row.dtype?.rawValue ?? "")\"><title>\(Self.escape(title))</title>\(shape)</g>"
    }

    private static func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
    }

    private static func text(_ style: String, _ x: Double, _ y: Double, _ anchor: String, _ words: String) -> String {
        "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(escape(words))</text>"
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value.isFinite ? min(max(value, -1e5), 1e5) : 0) }

    /// A stranger's text as text, in elements and attributes alike.
    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in RateText.plain(text, 400).unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
