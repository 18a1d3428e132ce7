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
            try ConvolutionJob(.f32, x: [2, 3, 3, 9], w: [5, 3, 3, 3], padding: (1, 1), data),
            try ConvolutionJob(.f32, x: [1, 50, 5, 17], w: [3, 50, 3, 3], padding: (0, 2), data),
            try ConvolutionJob(.f32, x: [2, 4, 4, 33], w: [6, 2, 3, 2], padding: (3, 0), groups: 2, data),
            try ConvolutionJob(.f32, x: [1, 2, 29, 8], w: [2, 2, 3, 1], padding: (1, 0), data),
            try ConvolutionJob(.f32, x: [3, 1, 7, 21], w: [33, 1, 3, 4], padding: (2, 3), dilation: (1, 2), data),
            try ConvolutionJob(.f32, x: [1, 3, 70, 5], w: [4, 3, 3, 3], padding: (1, 2), data),
        ]
        for job in jobs { try agree(job, energies: false, &random) }
    }

    /// A row's NaN is its own, and rows of other sizes beside it are no further off than the largest of six input rows allows.
    @Test func `neighbouring rows of three rows of taps`() throws {
        var random = TestRandom(15)
        let job = try ConvolutionJob(.f32, x: [1, 2, 12, 16], w: [3, 2, 3, 3], padding: (1, 1))
        let nan = try job.x.copy { x in x.withMutableElements(as: Float.self) { $0[7 * 16 + 3] = .nan } }
        try agree(ConvolutionJob(job, x: nan, w: job.w), energies: false, &random)
        let large = try job.x.copy { x in x.withMutableElements(as: Float.self) { x in for column in 0..<16 { x[4 * 16 + column] *= 0x1p20 } } }
        try agree(ConvolutionJob(job, x: large, w: job.w), energies: false, &random, largest: 0x1p20)
        // With energies rows are summed apart.
        try agree(ConvolutionJob(job, x: large, w: job.w), energies: true, &random)
    }

    /// `largest`: how much larger an input nearby is than a row's own.
    private func agree(_ job: ConvolutionJob, energies: Bool, _ random: inout TestRandom, largest: Double = 1) throws {
        let convolution = job.convolution
        let y = try job.run(on: try #require(Backends.native.last))
        func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in random.normal() } }
        let probe = ConvolutionProbe(
            filters: numbers(convolution.groups * convolution.depth * 8),
            energies: energies ? numbers(convolution.groups * convolution.depth).map(\.magnitude) : nil, x: numbers(convolution.outputs * 8),
            weights: (0..<convolution.outputs).map { $0 % 4 == 3 ? 0 : 1 })
        let expected = try PlainPasses().residuals(convolution, x: job.x, y: y, probe: probe)
        for passes in Self.native {
            let found = try passes.residuals(convolution, x: job.x, y: y, probe: probe)
            #expect(found.count == expected.count)
            for (one, other) in zip(found, expected) {
                #expect(one.maximum == other.maximum)
                guard one.maximum < .infinity else { continue }
                #expect(one.residual.isFinite == other.residual.isFinite)
                // Errors of 2^-40 of what is summed, of a residual and of its square.
                let (size, unit) = (other.signal + (other.residual.isFinite ? other.residual : 0) + 1, 0x1p-40 * largest)
                let scale = 1e-9 * size + unit * (size.squareRoot() + unit)
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
