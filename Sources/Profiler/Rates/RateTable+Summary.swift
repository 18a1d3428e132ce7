import Kernels

extension RateTable {
    /// The best rate of each kind, format and device, over sizes and backends, as lines of at most 80 columns under a heading; empty for an empty table.
    package var summary: [String] {
        var best: [(key: String, row: RateRow)] = []
        for row in rows {
            let key = "\(row.device) \(row.kind.rawValue) \(row.arithmetic?.rawValue ?? "")"
            if let place = best.firstIndex(where: { $0.key == key }) {
                if row.perSecond > best[place].row.perSecond { best[place].row = row }
            } else {
                best.append((key, row))
            }
        }
        guard !best.isEmpty else { return [] }
        return [Self.line("rates", "the best of its sizes", "a second", "of peak", "by")] + best.map { Self.line($0.row) }
    }

    private static func line(_ row: RateRow) -> String {
        let unit: String
        var value = Double(row.perSecond)
        switch row.kind.unit {
        case .operations: (unit, value) = (row.dtype == .i8 ? "Gop" : "GFLOP", value / 1e9)
        case .bytes: (unit, value) = ("GB", value / 1e9)
        case .times: unit = "times"
        }
        let work = [row.kind.words, row.arithmetic.map(\.words)].compactMap(\.self).joined(separator: " ")
        return line(row.device, work, "\(Units.decimal(value)) \(unit)", row.share.map { "\(Units.decimal($0 * 100)) %" } ?? "-", maker(row))
    }

    /// A library in a word or two: of `cpu onednn 2.6.3, 2 threads` what names it.
    private static func maker(_ row: RateRow) -> String {
        let text = row.member ?? row.backend
        let name = text.hasPrefix("cpu ") ? text.dropFirst(4) : text[...]
        return String(name.prefix { $0 != "," && $0 != "(" }.trimmed)
    }

    /// 11 + 27 + 14 + 9 + 2 columns, and 17 for who did it.
    private static func line(_ device: String, _ work: String, _ rate: String, _ share: String, _ maker: String) -> String {
        left(device, 11) + left(work, 27) + right(rate, 14) + right(share, 9) + "  " + maker.prefix(17)
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text.prefix(width - 1) + String(repeating: " ", count: width - min(width - 1, text.count))
    }
    private static func right(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(1, width - text.count)) + text }
}

extension RateKind {
    fileprivate var words: String {
        switch self {
        case .gemm: "products"
        case .conv2d: "convolution"
        case .attention: "attention"
        case .memoryCopy: "memory, copy"
        case .toDevice: "host to device"
        case .fromDevice: "device to host"
        case .sha256: "SHA-256"
        case .sign: "signatures"
        case .verify: "signatures checked"
        }
    }
}

extension Arithmetic {
    fileprivate var words: String {
        switch self {
        case .i32Exact: "I8 exact"
        case .f32Panel256: "F32 to the bit"
        case .f64Panel256: "F64 to the bit"
        case .f32: "F32 free order"
        case .f64: "F64 free order"
        case .bf16F32: "BF16"
        }
    }
}
