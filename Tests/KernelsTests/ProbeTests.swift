import Foundation
import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct ProbeTests {
    @Test func `elementary functions agree with the C library`() {
        var random = TestRandom(60)
        for _ in 0..<2000 {
            let t = random.unit()
            let x = max(t, 1e-300)
            #expect(abs(Elementary.log(x) - Foundation.log(x)) <= 4 * max(Foundation.log(x).ulp, 0x1p-60))
            let (cosine, sine) = Elementary.cosineAndSine(turns: t)
            #expect(abs(cosine - Foundation.cos(2 * Double.pi * t)) < 1e-14)
            #expect(abs(sine - Foundation.sin(2 * Double.pi * t)) < 1e-14)
        }
        #expect(Elementary.log(1) == 0)
    }

    @Test func `normals have the moments of normals`() throws {
        var stream = try Challenge([UInt8](repeating: 9, count: 32)).stream()
        let values = (0..<10_000).flatMap { _ in
            let (first, second) = stream.normalPair()
            return [first, second]
        }
        let count = Double(values.count)
        #expect(values.allSatisfy { $0.isFinite })
        #expect(abs(values.reduce(0, +) / count) < 0.03)
        #expect(abs(values.reduce(0) { $0 + $1 * $1 } / count - 1) < 0.05)
        #expect(abs(values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count - 3) < 0.3)
    }

    @Test func `draws are distinct, within bounds and repeatable`() throws {
        let challenge = try Challenge([UInt8](repeating: 5, count: 32))
        var stream = challenge.stream()
        var again = challenge.stream()
        let drawn = stream.distinct(512, below: 600)
        #expect(Set(drawn).count == 512 && drawn.allSatisfy { (0..<600).contains($0) })
        #expect(again.distinct(512, below: 600) == drawn)
        #expect(stream.distinct(512, below: 512) == Array(0..<512))
        #expect(stream.distinct(64, below: 0).isEmpty)
        #expect((0..<100).allSatisfy { _ in stream.fieldElement() < MersenneField.modulus })
    }

    /// A transposed view gives the same numbers as the transposed matrix.
    @Test(arguments: [DType.f32, .f64])
    func `passes see transposes as index maps`(dtype: DType) throws {
        let passes = PlainPasses()
        let plain = try Kind.hugeColumn.job(Shape(m: 9, n: 12, k: 10), dtype, seed: 61)
        var values: [Cell: Double] = [:]
        let b = try MatrixView(plain.inputs[1])
        for row in 0..<10 {
            for column in 0..<12 {
                let bits = b.bits(row, column)
                values[Cell(row: row, column: column)] = dtype == .f64 ? Double(bitPattern: bits) : Double(Float(bitPattern: UInt32(bits)))
            }
        }
        let turned = try Job(Shape(m: 9, n: 12, k: 10, transposeB: true), dtype) { isB, row, column in
            isB ? values[Cell(row: row, column: column)] ?? .nan : 0
        }
        let view = try MatrixView(turned.inputs[1], transposed: true)
        #expect(view.tensor.shape == [12, 10] && view.rows == 10 && view.columns == 12)
        let norms = try passes.columnNorms(b)
        #expect(try passes.columnNorms(view) == norms)
        var stream = try Challenge([UInt8](repeating: 1, count: 32)).stream()
        let probe = FloatProbe(norms: norms, dtype: dtype, k: 10, excluded: [4], stream: &stream).columns
        #expect(probe.weights[4] == 0 && probe.weights.count { $0 > 0 } == 11)
        #expect(try passes.probe(view, with: probe, energies: true) == passes.probe(b, with: probe, energies: true))
    }

    @Test func `problems of a report are readable`() throws {
        let refusal = VerificationReport.Refusal(output: "c", cell: Cell(row: 2, column: 3), expected: "3f800000", found: "7fc00000")
        let report = VerificationReport(.bits(cells: 512, worstRows: 64), refusal: refusal, effort: .init())
        #expect(refusal.reason == "c[2, 3] is 0x7fc00000, should be 0x3f800000")
        #expect(report.json["verdict"] == "refused")
        #expect(report.json["wrong_cell"]?["row"] == 2)
        #expect(report.json["verification"]?["class"] == "bits")
        #expect(throws: Never.self) { try JSON.parse(report.json.canonicalBytes) }
    }
}
