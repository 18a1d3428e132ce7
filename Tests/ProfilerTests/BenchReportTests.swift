import Jobs
import Kernels
import Profiler
import Signing
import Testing
import Wire

@Suite("A benchmark for people") struct BenchReportTests {
    static let hostile = "<script>alert(1)</script>\"'&\u{1b}[2J\u{202e}"

    private static func document(_ name: String, device: String = "cpu") -> BenchDocument {
        let rows = RateTableTests.table.rows.map { row in
            RateRow(
                device: device, backend: name, member: name, kind: row.kind, arithmetic: row.arithmetic, size: row.size, perSecond: row.perSecond,
                peakPerSecond: row.peakPerSecond, peakName: row.peakName.map { _ in name }, shareMillionths: row.shareMillionths, rounds: row.rounds,
                spreadMillionths: row.spreadMillionths, work: row.work, trafficBytes: row.trafficBytes)
        }
        return BenchDocument(
            at: 1_795_822_200, softwareVersion: "0.1.0",
            machine: BenchMachine(cpu: name, cores: 2, isa: [name], memoryBytes: 1 << 34, devices: ["cpu: " + name], blasCore: name),
            rates: RateTable(rows: rows, threads: 2, isQuick: false, notes: [name]), products: [])
    }

    @Test("Fits 80 columns, whatever the names") func columns() {
        for name in ["native", String(repeating: "x", count: 60), Self.hostile] {
            let document = Self.document(name, device: name)
            for line in RateReport.lines(document) + RateReport.comparison(document.rates, RateTableTests.table) + RateReport.note(name + " " + name) {
                #expect(line.count <= 80, "\(line)")
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202e })
            }
        }
    }

    @Test("A comparison has the ratio, what is new and what is gone") func comparison() {
        let lines = RateReport.comparison(
            RateTable(rows: [RateTableTests.row], threads: 2, isQuick: false),
            RateTable(
                rows: [
                    RateRow(
                        device: "cpu", backend: "openblas", kind: .gemm, arithmetic: .f32Panel256, size: [8, 8, 8], perSecond: 4, rounds: 1,
                        spreadMillionths: 0, work: 1, trafficBytes: 1), RateTableTests.hash,
                ], threads: 2, isQuick: false))
        #expect(lines[1].hasSuffix("1.25"))
        #expect(lines[2].hasSuffix("gone"))
    }

    @Test("A page holds everything and lets nothing of a file out of its text") func page() {
        let page = BenchPage.html(Self.document(Self.hostile), signer: Self.hostile)
        #expect(!page.contains("<script"))
        #expect(!page.contains("\"'&"))
        #expect(page.contains("&lt;script&gt;"))
        #expect(!page.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{202e}" })
        // No outside assets: no address, no import.
        for outside in ["http:", "https:", "url(", "@import", "src="] { #expect(!page.contains(outside), "\(outside)") }
        #expect(page.contains("<svg"))
        #expect(page.contains("width:50.0%"))
        // Every element that is opened is closed.
        for element in ["div", "section", "span", "svg", "g", "table", "tr", "main", "figure", "details"] {
            let opened = page.ranges(of: "<\(element) ").count + page.ranges(of: "<\(element)>").count
            #expect(opened == page.ranges(of: "</\(element)>").count, "\(element)")
        }
    }

    @Test("A page of nothing, and of numbers at their ends") func extremes() {
        let rows = [Int64(0), 1, JSON.maxInteger].map { number in
            RateRow(
                device: "cpu", backend: "cpu", kind: .gemm, arithmetic: .i32Exact, size: [], perSecond: number, peakPerSecond: number, peakName: "x",
                shareMillionths: 1_000_000_000, rounds: 1, spreadMillionths: 1_000_000_000, work: number, trafficBytes: number)
        }
        for rates in [RateTable(rows: [], threads: 1, isQuick: true), RateTable(rows: rows, threads: 1, isQuick: true)] {
            let document = BenchDocument(
                at: 0, softwareVersion: "1", machine: BenchMachine(cpu: "", cores: 1, isa: [], memoryBytes: nil, devices: [], blasCore: nil), rates: rates,
                products: [])
            let page = BenchPage.html(document, signer: nil)
            #expect(!page.contains("nan") && !page.contains("inf"))
            #expect(RateReport.lines(document).allSatisfy { $0.count <= 80 })
        }
        #expect(RateText.date(0) == "1970-01-01 00:00 UTC")
        #expect(RateText.date(951_782_400) == "2000-02-29 00:00 UTC")
        #expect(RateText.date(253_402_300_799) == "9999-12-31 23:59 UTC")
    }
}
