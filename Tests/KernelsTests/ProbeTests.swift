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
            // In each lane, beside other numbers.
            for lane in 0..<4 {
                let (logarithm, expected) = (Elementary.log(SIMD4(repeating: 0.75).with(x, in: lane)), Foundation.log(x))
                #expect(abs(logarithm[lane] - expected) <= 4 * max(expected.ulp, 0x1p-60))
                let (cosine, sine) = Elementary.cosineAndSine(turns: SIMD4(repeating: 0.4).with(t, in: lane))
                #expect(abs(cosine[lane] - Foundation.cos(2 * Double.pi * t)) < 1e-14)
                #expect(abs(sine[lane] - Foundation.sin(2 * Double.pi * t)) < 1e-14)
            }
        }
        #expect(Elementary.log(SIMD4(repeating: 1)) == .zero)
    }

    /// An audit years from now draws the same probes. The hash is that of a plain implementation, one number after the other.
    @Test func `normals are the same to the bit`() throws {
        var stream = try Challenge([UInt8](repeating: 7, count: 32)).stream()
        var bytes: [UInt8] = []
        for _ in 0..<1_024 {
            let normals = stream.normals()
            for index in 0..<8 { for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: normals[index].bitPattern >> shift)) } }
        }
        #expect(SHA256.hash(bytes).hex == "6b75062b580eb6db117a323a079b409426cda39789a1d810cdde7dc823b124f8")
    }

    @Test func `normals have the moments of normals`() throws {
        var stream = try Challenge([UInt8](repeating: 9, count: 32)).stream()
        let values = (0..<2_500).flatMap { _ in
            let normals = stream.normals()
            return (0..<8).map { normals[$0] }
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

extension SIMD4<Double> {
    fileprivate func with(_ value: Double, in lane: Int) -> Self {
        var copy = self
        copy[lane] = value
        return copy
    }
}
