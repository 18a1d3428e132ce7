import Kernels

/// A benchmark as one page that holds everything: no scripts, nothing from elsewhere; light and dark, on a phone, too.
package enum BenchPage {
    /// - Parameter signer: the address that signed, where the signature was checked.
    package static func html(_ document: BenchDocument, signer: String?) -> String {
        let machine = document.machine
        let facts =
            [machine.cpu, "\(machine.cores) cores", machine.memoryBytes.map { "\($0 >> 30) GiB for jobs" }, "\(document.rates.threads) threads"].compactMap(
                \.self)
        let signed = signer.map { "Signed by <code>\(escape($0))</code>." } ?? "Not signed."
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>adit bench: \(escape(machine.cpu))</title>
            <style>\(BenchStyle.css)</style>
            </head>
            <body>
            <main>
            <header>
            <p class="kind">adit bench</p>
            <h1>\(escape(machine.cpu))</h1>
            <p>\(escape(facts.dropFirst().joined(separator: " · "))) · \(escape(RateText.date(document.at))) · adit \(escape(document.softwareVersion))</p>
            <p class="signed">\(signed)</p>
            </header>
            \(tiles(document.rates))
            \(document.rates.devices.map { device($0, document) }.joined(separator: "\n"))
            \(everything(document.rates))
            <footer>
            <p>Each rate is the median of some rounds, each round's best run. “Of peak” compares it with the device's own multiply-adds in registers,
            measured by turns with it in the same second. Operations per byte count inputs and outputs once; the slope is the memory's measured copy
            rate, and what fits into the caches may stand above it.</p>
            </footer>
            </main>
            </body>
            </html>

            """
    }

    private static func escape(_ text: String) -> String { Roofline.escape(text) }

    /// The best of each kind, large.
    private static func tiles(_ table: RateTable) -> String {
        var tiles: [String] = []
        for dtype in [DType.f32, .f64, .bf16, .i8] {
            guard let row = table.fastestProduct(dtype) else { continue }
            let note = row.share.map { "\(RateText.percent($0)) of peak" } ?? row.backend
            tiles.append(tile("\(dtype.rawValue) product", RateText.rate(row.perSecond, row), note, dtype.rawValue))
        }
        if let row = table.fastest(.memoryCopy) { tiles.append(tile("memory", RateText.rate(row.perSecond, row), "copied on \(row.device)", "memory")) }
        if let row = table.fastest(.sha256) { tiles.append(tile("SHA-256", RateText.rate(row.perSecond, row), "all threads", "other")) }
        return "<section class=\"tiles\">\(tiles.joined())</section>"
    }

    private static func tile(_ name: String, _ value: String, _ note: String, _ style: String) -> String {
        "<div class=\"tile \(style)\"><span>\(escape(name))</span><strong>\(large(value))</strong><em>\(escape(note))</em></div>"
    }

    /// The number large, its unit small.
    private static func large(_ value: String) -> String {
        guard let space = value.firstIndex(of: " ") else { return escape(value) }
        return "\(escape(String(value[..<space])))<small>\(escape(String(value[space...])))</small>"
    }

    private static func device(_ name: String, _ document: BenchDocument) -> String {
        let rows = document.rates.rows.filter { $0.device == name }
        let described = document.machine.devices.first { $0.hasPrefix(name + ":") || $0.hasPrefix(name + " ") } ?? ""
        var parts = ["<section><h2>\(escape(name))</h2>"]
        if !described.isEmpty { parts.append("<p class=\"device\">\(escape(described))</p>") }
        if let plot = Roofline(document.rates, device: name) {
            parts.append("<figure>\(plot.svg)<figcaption>\(legend(rows))</figcaption></figure>")
        }
        let kernels = rows.filter { $0.kind.isKernel }
        let (whole, libraries) = (kernels.filter { $0.backend == name }, kernels.filter { $0.backend != name })
        for (title, bars) in [("Share of the peak", whole), ("Its libraries one by one", libraries)] where !bars.isEmpty {
            parts.append("<h3>\(title)</h3><div class=\"bars\">\(bars.map(bar).joined())</div>")
        }
        let rest = rows.filter { !$0.kind.isKernel }
        if !rest.isEmpty {
            let cells = rest.map { "<div><dt>\(escape(RateText.work($0)))</dt><dd>\(escape(RateText.rate($0.perSecond, $0)))</dd></div>" }
            parts.append("<h3>Beside kernels</h3><dl>\(cells.joined())</dl>")
        }
        return parts.joined(separator: "\n") + "</section>"
    }

    private static func legend(_ rows: [RateRow]) -> String {
        let formats: [DType] = [.f32, .f64, .bf16, .i8].filter { dtype in rows.contains { $0.dtype == dtype } }
        let shapes = [(RateKind.gemm, "●", "product"), (.conv2d, "■", "convolution"), (.attention, "▲", "attention")].filter { kind in
            rows.contains { $0.kind == kind.0 }
        }
        return formats.map { "<span class=\"key \($0.rawValue)\">\($0.rawValue)</span>" }.joined()
            + shapes.map { "<span>\($0.1) \($0.2)</span>" }.joined()
    }

    /// Widths are whole tenths of a per cent; more than the peak, which a measurement's error allows, is cut at the end of the bar.
    private static func bar(_ row: RateRow) -> String {
        let tenths = min(max(row.shareMillionths ?? 0, 0) / 1_000, 1_000)
        let style = row.dtype?.rawValue ?? "other"
        let track = row.share == nil ? "<i class=\"none\"></i>" : "<i><b class=\"\(style)\" style=\"width:\(tenths / 10).\(tenths % 10)%\"></b></i>"
        return "<div class=\"bar\"><span>\(escape(RateText.work(row)))<small>\(escape(row.backend))</small></span>\(track)"
            + "<strong>\(escape(RateText.rate(row.perSecond, row)))<small>\(escape(RateText.percent(row.share)))</small></strong></div>"
    }

    private static func everything(_ table: RateTable) -> String {
        let head = ["device", "backend", "work", "rate", "of peak", "spread", "rounds", "peak"].map { "<th>\($0)</th>" }.joined()
        let body = table.rows.map { row in
            let cells = [
                row.device, row.member.map { "\(row.backend) (\($0))" } ?? row.backend, RateText.work(row), RateText.rate(row.perSecond, row),
                RateText.percent(row.share), row.rounds > 1 ? RateText.percent(row.spread) : "-", "\(row.rounds)", row.peakName ?? "-",
            ]
            return "<tr>\(cells.map { "<td>\(escape($0))</td>" }.joined())</tr>"
        }
        let notes = table.notes.isEmpty ? "" : "<ul>\(table.notes.map { "<li>\(escape($0))</li>" }.joined())</ul>"
        return "<details><summary>All \(table.rows.count) rows</summary><div class=\"wide\"><table><thead><tr>\(head)</tr></thead>"
            + "<tbody>\(body.joined())</tbody></table></div>\(notes)</details>"
    }
}
