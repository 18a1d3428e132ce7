import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The vectorised passes over convolutions against the plain ones.
@Suite struct ConvolutionPassesTests {
    static let native = NativePassesTests.instructionSets.flatMap { set in [1, 2].compactMap { try? NativePasses(threads: $0, instructionSet: set) } }

    @Test func `the field pass finds the same row`() throws {
        var random = TestRandom(11)
        for _ in 0..<12 {
            let job = try ConvolutionJob(.i8, &random, .constant)
            let convolution = job.convolution
            let y = try job.reference()
            let vectors = (0..<2 * convolution.outputs).map { $0 % 5 == 0 ? MersenneField.modulus - 1 : random.next() % MersenneField.modulus }
            let weights = try convolution.weights(job.w)
            var filters: [UInt64] = []
            for vector in 0..<2 {
                for group in 0..<convolution.groups {
                    let start = vector * convolution.outputs + group * convolution.groupOutputs
                    filters += try PlainPasses().fieldProduct(
                        try MatrixView(weights, transposed: true, batch: group), Array(vectors[start..<start + convolution.groupOutputs]), count: 1)
                }
            }
            let cells = y.descriptor.elementCount
            let wrong = try y.copy { y in
                y.withMutableElements(as: Int32.self) { for _ in 0..<3 { $0[Int(random.next() % UInt64(cells))] = .min } }
            }
            let expected = try PlainPasses().mismatch(convolution, x: job.x, y: wrong, filters: filters, vectors: vectors, count: 2)
            for passes in Self.native {
                #expect(try passes.mismatch(convolution, x: job.x, y: y, filters: filters, vectors: vectors, count: 2) == nil, "\(job)")
                #expect(try passes.mismatch(convolution, x: job.x, y: wrong, filters: filters, vectors: vectors, count: 2) == expected, "\(job)")
            }
        }
    }

    @Test(arguments: [Data.normal, .special])
    func `residuals agree to rounding`(data: Data) throws {
        var random = TestRandom(12)
        for index in 0..<10 {
            let job = try ConvolutionJob(.f32, &random, data)
            let convolution = job.convolution
            let y = try job.run(on: try #require(Backends.native.last))
            func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in random.normal() } }
            let probe = ConvolutionProbe(
                filters: numbers(convolution.groups * convolution.depth * 8),
                energies: index % 2 == 0 ? numbers(convolution.groups * convolution.depth).map(\.magnitude) : nil, x: numbers(convolution.outputs * 8),
                weights: (0..<convolution.outputs).map { $0 % 4 == 3 ? 0 : 1 })
            let expected = try PlainPasses().residuals(convolution, x: job.x, y: y, probe: probe)
            for passes in Self.native {
                let found = try passes.residuals(convolution, x: job.x, y: y, probe: probe)
                #expect(found.count == expected.count)
                for (one, other) in zip(found, expected) {
                    #expect(one.maximum == other.maximum)
                    guard one.maximum < .infinity else { continue }
                    #expect(one.residual.isFinite == other.residual.isFinite)
                    let scale = 1e-9 * (other.signal + (other.residual.isFinite ? other.residual : 0) + 1)
                    #expect(!one.residual.isFinite || (one.residual - other.residual).magnitude <= scale)
                    #expect((one.signal - other.signal).magnitude <= scale && (one.energy - other.energy).magnitude <= 1e-12 * (1 + other.energy))
                }
            }
        }
    }

    @Test(arguments: [DType.i8, .f32], [Data.normal, .special, .huge])
    func `wrong cells and gathered rows are the same`(dtype: DType, data: Data) throws {
        var random = TestRandom(13)
        for index in 0..<8 {
            let job = try ConvolutionJob(dtype, &random, data)
            let convolution = job.convolution
            let right = try job.reference()
            let cell = Int(random.next() % UInt64(right.descriptor.elementCount))
            let y = try right.copy { y in
                if dtype == .i8 { y.withMutableElements(as: Int32.self) { $0[cell] &+= 1 } }
                if dtype == .f32 { y.withMutableElements(as: Float.self) { $0[cell] = index % 2 == 0 ? 1.5 : .infinity } }
            }
            let outputs: Set<Int>? = dtype == .f32 && index % 3 == 0 ? [0, cell / convolution.positions % convolution.outputs] : nil
            let expected = try PlainPasses().firstWrong(convolution, x: job.x, w: job.w, y: y, outputs: outputs)
            let rows = (0..<convolution.rows).filter { $0 % 3 != 1 }
            for passes in Self.native {
                #expect(try passes.firstWrong(convolution, x: job.x, w: job.w, y: right, outputs: outputs) == nil, "\(job)")
                #expect(try passes.firstWrong(convolution, x: job.x, w: job.w, y: y, outputs: outputs) == expected, "\(job)")
                guard dtype == .f32 else { continue }
                #expect(
                    try passes.firstWrong(convolution, x: job.x, w: job.w, y: y, rows: rows)
                        == PlainPasses().firstWrong(convolution, x: job.x, w: job.w, y: y, rows: rows))
                #expect(
                    try passes.gather(convolution, x: job.x, rows: rows).buffer.bytes == PlainPasses().gather(convolution, x: job.x, rows: rows).buffer.bytes)
                #expect { try passes.gather(convolution, x: job.x, rows: [convolution.rows]) } throws: { ($0 as? Problem)?.code == .internalError }
            }
        }
    }
}
