import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct ExactVerifierTests {
    @Test(arguments: awkwardShapes)
    func `honest work is accepted and nothing is recomputed`(shape: Shape) throws {
        var random = TestRandom(1)
        let job = try Job(integers: shape, &random)
        let report = try job.verify(try random.challenge())
        #expect(report.isAccepted)
        #expect(report.effort == VerificationReport.Effort())
        #expect(report.verification == .exact(vectors: 1))
    }

    @Test(arguments: awkwardShapes)
    func `one cell off by one is refused, and named`(shape: Shape) throws {
        var random = TestRandom(2)
        let job = try Job(integers: shape, &random)
        guard shape.m * shape.n > 0 else { return }
        let position = Int.random(in: 0..<shape.m * shape.n, using: &random)
        let right = job.output.values(Int32.self)[position]
        let wrong = try job.output.changing(Int32.self) { $0[position] = right &+ 1 }
        let report = try job.verify(wrong, try random.challenge())
        let refusal = try #require(report.refusal)
        #expect(refusal.cell == Cell(row: position / shape.n, column: position % shape.n))
        #expect(try UInt32(#require(refusal.expected), radix: 16) == UInt32(bitPattern: right))
        #expect(try UInt32(#require(refusal.found), radix: 16) == UInt32(bitPattern: right &+ 1))
    }

    /// Changes that cancel under weights 1, 1, 1 … or under powers of a known scalar do not cancel under a secret vector.
    @Test func `errors that cancel in sums are refused`() throws {
        var random = TestRandom(3)
        let job = try Job(integers: Shape(m: 12, n: 9, k: 33), &random)
        for _ in 0..<20 {
            let row = Int.random(in: 0..<12, using: &random)
            let swapped = try job.output.changing(Int32.self) { cells in
                cells[row * 9] &+= 5
                cells[row * 9 + 4] &-= 5
            }
            #expect(try !job.verify(swapped, try random.challenge()).isAccepted)
        }
        let stale = try job.output.changing(Int32.self) { $0 = $0.map { _ in 0 } }
        #expect(try !job.verify(stale, try random.challenge()).isAccepted)
    }

    @Test func `extreme values stay exact`() throws {
        let shape = Shape(m: 2, n: 2, k: 131_071)
        let kernel = try shape.kernel(.i8)
        let inputs = try kernel.inputs.map { try Tensor($0, [Int8](repeating: -128, count: $0.elementCount)) }
        let job = try Job(kernel, inputs)
        #expect(job.output.values(Int32.self) == [Int32](repeating: 131_071 * 16_384, count: 4))
        var random = TestRandom(4)
        #expect(try job.verify(try random.challenge()).isAccepted)
    }

    @Test func `an audit takes two vectors`() throws {
        var random = TestRandom(5)
        let job = try Job(integers: Shape(m: 5, n: 6, k: 7), &random)
        let views = try [job.inputs[0], job.inputs[1], job.output].map { try MatrixView($0) }
        let report = try Freivalds(job.kernel.gemm, a: views[0], b: views[1], c: views[2], passes: PlainPasses(), vectors: 2)
            .verify(try random.challenge())
        #expect(report.isAccepted)
        #expect(report.verification.json["soundness_bits"] == 120)
    }

    @Test func `the field agrees with wide arithmetic`() {
        var random = TestRandom(6)
        let p = MersenneField.modulus
        for _ in 0..<1000 {
            let (a, b) = (random.next() % p, random.next() % p)
            let (high, low) = a.multipliedFullWidth(by: b)
            #expect(MersenneField.multiply(a, b) == p.dividingFullWidth((high, low)).remainder)
        }
        #expect(MersenneField.multiply(p - 1, p - 1) == 1)
        #expect(MersenneField.add(p - 1, 1) == 0)
        #expect(MersenneField.element(-1) == p - 1)
        #expect(MersenneField.element(.min) == p - (1 << 31))
    }
}
