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
        for index in 0..<10 { try agree(try ConvolutionJob(.f32, &random, data), energies: index % 2 == 0, &random) }
    }

    /// Kernels of three rows are summed four output rows at a time: heights around multiples of four, more channels than are held at a time.
    @Test(arguments: [Data.normal, .special])
    func `three rows of taps agree to rounding`(data: Data) throws {
        var random = TestRandom(14)
        let jobs = [
            try ConvolutionJob(.f32, x: [2, 3, 3, 9], w: [5, 3, 3, 3], padding: (1, 1)),
            try ConvolutionJob(.f32, x: [1, 50, 5, 17], w: [3, 50, 3, 3], padding: (0, 2)),
            try ConvolutionJob(.f32, x: [2, 4, 4, 33], w: [6, 2, 3, 2], padding: (3, 0), groups: 2),
            try ConvolutionJob(.f32, x: [1, 2, 29, 8], w: [2, 2, 3, 1], padding: (1, 0)),
            try ConvolutionJob(.f32, x: [3, 1, 7, 21], w: [33, 1, 3, 4], padding: (2, 3), dilation: (1, 2)),
            try ConvolutionJob(.f32, x: [1, 3, 70, 5], w: [4, 3, 3, 3], padding: (1, 2)),
        ]
        for job in jobs {
            data.fill(job.x, seed: 5)
            try agree(job, energies: false, honest: true, &random)
        }
    }

    /// A row's NaN is its own, and so are the errors of rows that have far larger neighbours, or none of whose inputs but theirs are other than 0.
    @Test func `neighbouring rows of three rows of taps`() throws {
        var random = TestRandom(15)
        let job = try ConvolutionJob(.f32, x: [1, 2, 40, 16], w: [3, 2, 3, 3], padding: (1, 1))
        let changes: [(_ row: Int, _ x: Float) -> Float] = [
            { row, x in row == 7 ? .nan : x }, { row, x in row == 4 ? x * 0x1p60 : x }, { row, x in row < 2 ? 0 : x }, { row, x in row % 8 < 5 ? 0 : x },
        ]
        for change in changes {
            let x = try job.x.copy { x in
                x.withMutableElements(as: Float.self) { x in for cell in x.indices { x[cell] = change(cell / 16 % 40, x[cell]) } }
            }
            try agree(ConvolutionJob(job, x: x, w: job.w), energies: false, honest: true, &random)
        }
    }

    /// `honest`: whether the probe is that of the weights.
    private func agree(_ job: ConvolutionJob, energies: Bool, honest: Bool = false, _ random: inout TestRandom) throws {
        let convolution = job.convolution
        let y = try job.run(on: try #require(Backends.native.last))
        func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in random.normal() } }
        let (x, weights) = (numbers(convolution.outputs * 8), (0..<convolution.outputs).map { $0 % 4 == 3 ? 0.0 : 1 })
        let w = try convolution.weights(job.w)
        let filters = try (0..<convolution.groups).flatMap { group in
            let outputs = group * convolution.groupOutputs..<(group + 1) * convolution.groupOutputs
            let columns = ColumnProbe(x: Array(x[outputs.lowerBound * 8..<outputs.upperBound * 8]), weights: Array(weights[outputs]))
            return try PlainPasses().probe(try MatrixView(w, transposed: true, batch: group), with: columns, energies: false).y
        }
        let probe = ConvolutionProbe(
            filters: honest ? filters : numbers(convolution.groups * convolution.depth * 8),
            energies: energies ? numbers(convolution.groups * convolution.depth).map(\.magnitude) : nil, x: x, weights: weights)
        let expected = try PlainPasses().residuals(convolution, x: job.x, y: y, probe: probe)
        for passes in Self.native {
            let found = try passes.residuals(convolution, x: job.x, y: y, probe: probe)
            #expect(found.count == expected.count)
            for (one, other) in zip(found, expected) {
                #expect(one.maximum == other.maximum)
                guard one.maximum < .infinity else { continue }
                #expect(one.residual.isFinite == other.residual.isFinite)
                // No input is so much larger than its neighbours that their rows are off and yet within the limit.
                let scale = 1e-9 * (other.signal + (other.residual.isFinite ? other.residual : 0) + 1)
                #expect(!one.residual.isFinite || (one.residual - other.residual).magnitude <= scale, "\(job)")
                #expect((one.signal - other.signal).magnitude <= scale && (one.energy - other.energy).magnitude <= 1e-12 * (1 + other.energy), "\(job)")
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
