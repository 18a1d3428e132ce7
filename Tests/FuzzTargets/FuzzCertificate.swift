import Kernels
import Profiler
import Signing
import Wire

/// Benchmark files that somebody else made: written as they were read, and shown without a trap and without anything that a page or a
/// terminal would take for more than text.
enum FuzzCertificate {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let file = accepted({ () throws(Problem) in try BenchFile(bytes: bytes) }) else { return }
        try demand(accepted { () throws(Problem) in try JSON.parse(bytes) } == file.json, "a file is written otherwise than it was read")
        let document = file.document
        let lines = RateReport.lines(document) + RateReport.comparison(document.rates, document.rates) + document.rates.notes.flatMap(RateReport.note)
        for line in lines { try demand(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "a control character for a terminal") }
        let page = BenchPage.html(document, signer: file.signer?.address.text)
        try demand(!page.contains("<script") && !page.contains("<img"), "a page with elements of a stranger's")
        _ = document.rates.summary
    }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let product = try ReplayProduct(json: [
            "arithmetic": "f32-panel256", "n": 256, "seed": .string(SHA256.hash(utf8: "seed").hex), "root": .string(SHA256.hash(utf8: "root").hex),
            "perSecond": 400_000_000_000,
        ])
        func row(_ kind: RateKind, _ arithmetic: Arithmetic?, _ size: [Int], _ rate: Int64, peak: Int64? = nil, device: String = "cpu") -> RateRow {
            RateRow(
                device: device, backend: device, kind: kind, arithmetic: arithmetic, size: size, perSecond: rate, peakPerSecond: peak,
                peakName: peak.map { _ in "avx512f" }, shareMillionths: peak.map { _ in 912_000 }, rounds: 5, spreadMillionths: 12_000,
                work: rate / 100, trafficBytes: rate / 2000)
        }
        let rows = [
            row(.gemm, .f32Panel256, [2048, 2048, 2048], 431_000_000_000, peak: 470_000_000_000), row(.gemm, .i32Exact, [64, 64, 64], 1_500_000_000),
            row(.conv2d, .f32, [8, 64, 56, 56, 64, 3, 3], 200_000_000_000), row(.attention, .bf16F32, [1, 12, 512, 64], 90_000_000_000),
            row(.memoryCopy, nil, [1 << 28], 28_000_000_000), row(.sha256, nil, [1 << 20], 2_100_000_000), row(.verify, nil, [64], 21_000),
            row(.gemm, .f32, [512, 512, 512], 9_000_000_000, device: "opencl:0"), row(.toDevice, nil, [1 << 26], 11_000_000_000, device: "opencl:0"),
        ]
        let machine = BenchMachine(
            cpu: "AMD EPYC <9B14>", cores: 2, isa: ["avx2", "avx512f"], memoryBytes: 8 << 30, devices: ["cpu: 2 threads", "opencl:0 \"x\" & y"],
            blasCore: "Zen")
        func document(_ rows: [RateRow], _ notes: [String], _ products: [ReplayProduct]) -> BenchDocument {
            BenchDocument(
                at: 1_795_822_200, softwareVersion: "0.1.0", machine: machine, rates: RateTable(rows: rows, threads: 2, isQuick: false, notes: notes),
                products: products)
        }
        let key = try PrivateKey(seed: [UInt8](repeating: 4, count: 32))
        return [
            ("plain", BenchFile(document(rows, ["opencl:1 isn't in the table: it failed its test"], [product])).json.canonicalBytes),
            ("signed", BenchFile(document(Array(rows.prefix(1)), [], [product]), key: key).json.canonicalBytes),
            ("empty", BenchFile(document([], [], [])).json.canonicalBytes),
        ]
    }
}
