import BackendChoice
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// A regression's passes in C against the definition, and whole regressions on every backend.
@Suite struct RegressionPassesTests {
    private func tensor(_ name: String, _ shape: [Int], _ value: (Int) -> Double) throws -> Tensor {
        try Tensor(zeros: try TensorDescriptor(name: name, dtype: .f64, shape: shape)).copy {
            $0.withMutableElements(as: Double.self) { for i in $0.indices { $0[i] = value(i) } }
        }
    }

    /// Sums of m terms in two orders: each is off by at most m·u of the terms' magnitudes.
    private func isNear(_ found: Double, _ expected: Double, _ magnitude: Double, _ m: Int) -> Bool {
        abs(found - expected) <= Double(m + 64) * 0x1p-52 * magnitude
    }

    static let shapes = [(0, 3), (1, 1), (7, 8), (513, 9), (2100, 7), (130, 24), (65, 47), (20, 191), (9, 192), (5, 400)]

    @Test(arguments: shapes) func `moments are the definition's, and their bits every path's`(m: Int, k: Int) throws {
        var random = TestRandom(UInt64(m * 1000 + k))
        let x = try tensor("x", [m, k]) { _ in random.normal() + 3 }
        let y = try tensor("y", [m]) { _ in random.normal() }
        let centre = (0...k).map { _ in 3 + random.unit() }
        let weights = (0..<m).map { _ in random.unit() }
        for (last, given) in [(y, nil), (nil, weights)] as [(Tensor?, [Double]?)] {
            let expected = try PlainRegression().gram(x: x, last: last, centre: centre, weights: given, control: .none)
            let first = try Backends.native[0].gram(x: x, last: last, centre: centre, weights: given, control: .none)
            let n = k + 1
            let diagonal = (0..<n).map { expected[$0 * n + $0] }
            let wrong = expected.indices.first { place in
                let magnitude = (diagonal[place / n] * diagonal[place % n]).squareRoot()
                return !isNear(first[place], expected[place], magnitude, m)
            }
            #expect(wrong == nil && first.count == n * n)
            for backend in Backends.native.dropFirst() {
                #expect(try backend.gram(x: x, last: last, centre: centre, weights: given, control: .none) == first, "\(backend.device)")
            }
        }
    }

    @Test(arguments: shapes) func `slopes are the definition's, and their bits every path's`(m: Int, k: Int) throws {
        var random = TestRandom(UInt64(m * 1000 + k))
        let x = try tensor("x", [m, k]) { _ in random.normal() }
        let y = try tensor("y", [m]) { $0 % 3 == 0 ? 1 : 0 }
        let w = (0..<k).map { _ in random.normal() }
        let centre = (0..<k).map { _ in random.unit() }
        for kind in [RegressionPoint.Kind.ones, .linear, .logistic] {
            let point = RegressionPoint(kind, w: w, intercept: 0.25, centre: centre)
            let expected = try PlainRegression().slope(at: point, x: x, y: y, squares: true, weighs: true, control: .none)
            let first = try Backends.native[0].slope(at: point, x: x, y: y, squares: true, weighs: true, control: .none)
            // |r| is below 1 + Σ|x||w|.
            let size = (1 + 6 * w.reduce(0) { $0 + abs($1) }) * 6 * Double(m)
            #expect(zip(first.gradient, expected.gradient).allSatisfy { isNear($0, $1, size, m + k) })
            #expect(zip(first.squares, expected.squares).allSatisfy { isNear($0, $1, 36 * Double(m), m) } && first.squares.count == k)
            #expect(isNear(first.residuals, expected.residuals, size, m + k) && isNear(first.largest, expected.largest, size, k))
            #expect(isNear(first.objective, expected.objective, size * size, m + k))
            if kind == .logistic { #expect(zip(first.weights, expected.weights).allSatisfy { isNear($0, $1, size, k) } && first.weights.count == m) }
            for backend in Backends.native.dropFirst() {
                let other = try backend.slope(at: point, x: x, y: y, squares: true, weighs: true, control: .none)
                #expect(other.gradient == first.gradient && other.squares == first.squares && other.objective == first.objective, "\(backend.device)")
                #expect(other.weights == first.weights && other.residuals == first.residuals && other.largest == first.largest)
            }
        }
    }

    @Test func `what isn't a number stays none, and a run can be canceled`() throws {
        let y = try tensor("y", [600]) { _ in 1 }
        for backend in Backends.native {
            for value in [Double.nan, .infinity] {
                let x = try tensor("x", [600, 3]) { $0 == 700 ? value : 1 }
                for kind in [RegressionPoint.Kind.linear, .logistic] {
                    let slope = try backend.slope(
                        at: RegressionPoint(kind, w: [1, 2, -1]), x: x, y: y, squares: true, weighs: false, control: .none)
                    #expect(!slope.gradient[1].isFinite && !slope.squares[1].isFinite)
                    #expect(value.isNaN ? slope.largest.isNaN && slope.objective.isNaN : true)
                }
            }
            let x = try tensor("x", [600, 3]) { Double($0 % 7) }
            let canceled = RunControl(isCanceled: { true })
            for body in [
                { _ = try backend.gram(x: x, last: y, centre: [0, 0, 0, 0], weights: nil, control: canceled) },
                { _ = try backend.slope(at: RegressionPoint(.linear, w: [0, 0, 0]), x: x, y: y, squares: false, weighs: false, control: canceled) },
            ] {
                let problem = #expect(throws: Problem.self, performing: body)
                #expect(problem?.code == .canceled)
            }
            let problem = #expect(throws: Problem.self) {
                try backend.slope(at: RegressionPoint(.linear, w: [0, 0]), x: x, y: y, squares: false, weighs: false, control: .none)
            }
            #expect(problem?.code == .shapeMismatch)
        }
    }

    @Test(arguments: ["linear", "logistic"], [true, false])
    func `every backend finds the answer, and a wrong one is refused`(model: String, intercept: Bool) throws {
        var random = TestRandom(12)
        let (m, k) = (300, 5)
        let x = try tensor("x", [m, k]) { _ in random.normal() + 2 }
        let y = x.withElements(as: Double.self) { x in
            (0..<m).map { i in
                let z = x[i * k] - x[i * k + 2] / 2 + random.normal()
                return model == "linear" ? z : z > 1 ? 1 : 0
            }
        }
        let inputs = [x, try tensor("y", [m]) { y[$0] }]
        let kernel = try RegressionKernel(params: ["model": .string(model), "intercept": .bool(intercept)], inputs: inputs.map(\.descriptor))
        try kernel.admit(inputs, passes: NativePasses(threads: 1))
        let expected = RegressionVerifier.numbers(try kernel.reference(inputs)[0])
        let some = Backends.native.suffix(1) + Backends.openBLAS.suffix(1) + Backends.oneDNN.suffix(1) as [any ComputeBackend]
        let measured = MeasuredBackend(name: "cpu", members: some, fingerprint: "test", store: NoStore())
        for backend in (some as [any ComputeBackend]) + OpenCLDevices.backends.map({ $0 as any ComputeBackend }) + [measured] {
            guard kernel.capability(on: backend) != nil else { continue }
            let outputs = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 20)
            #expect(zip(RegressionVerifier.numbers(outputs[0]), expected).allSatisfy { abs($0 - $1) < 1e-10 }, "\(backend.device)")
            #expect(try kernel.verify(inputs, outputs, challenge: random.challenge(), passes: NativePasses(threads: 2)).isAccepted)
            let wrong = [try outputs[0].copy { $0.withMutableElements(as: Double.self) { $0[4] *= 1 + 1e-6 } }] + outputs.dropFirst()
            #expect(try !kernel.verify(inputs, wrong, challenge: random.challenge(), passes: NativePasses(threads: 2)).isAccepted)
        }
    }
}
