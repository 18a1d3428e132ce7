import TestSupport
import Testing
import Wire

@testable import Kernels

/// A regression with its data.
private struct Fit {
    let kernel: RegressionKernel
    let inputs: [Tensor]

    init(m: Int, k: Int, _ params: JSON = [:], x: (Int, Int) -> Double, y: (Int) -> Double) throws {
        let (dx, dy) = (try TensorDescriptor(name: "x", dtype: .f64, shape: [m, k]), try TensorDescriptor(name: "y", dtype: .f64, shape: [m]))
        kernel = try RegressionKernel(params: params, inputs: [dx, dy])
        inputs = [try Tensor(dx, (0..<m * k).map { x($0 / k, $0 % k) }), try Tensor(dy, (0..<m).map(y))]
    }

    func solve() throws -> [Tensor] { try kernel.reference(inputs) }

    func report(_ outputs: [Tensor]) throws -> VerificationReport {
        var random = TestRandom(3)
        return try kernel.verify(inputs, outputs, challenge: try random.challenge(), passes: PlainPasses())
    }
}

@Suite struct RegressionTests {
    @Test func aPlaneIsFoundAgain() throws {
        var random = TestRandom(1)
        let data = (0..<200 * 3).map { _ in random.normal() }
        let fit = try Fit(m: 200, k: 3, x: { data[$0 * 3 + $1] }) { 2 + data[$0 * 3] - 3 * data[$0 * 3 + 1] + 0.5 * data[$0 * 3 + 2] }
        let outputs = try fit.solve()
        for (found, expected) in zip(outputs[0].values(Double.self) + outputs[1].values(Double.self), [1, -3, 0.5, 2]) {
            #expect(abs(found - expected) < 1e-13)
        }
        #expect(try fit.report(outputs).isAccepted)
    }

    /// Honest answers over data of every temper: far from the origin, badly scaled, correlated up to what double precision can tell apart.
    @Test(arguments: [0.0, 1e-2, 1e-5, 1e-8, 1e-10]) func honestAnswersAreAccepted(_ correlation: Double) throws {
        var random = TestRandom(5)
        var worst = 0.0
        for (m, k) in [(30, 1), (50, 4), (300, 12), (7, 6)] {
            for ridge in ["0", "0.1", "1000"] {
                for intercept in [true, false] {
                    let base = (0..<m).map { _ in random.normal() }
                    let data = (0..<m * k).map { _ in random.normal() }
                    let fit = try Fit(m: m, k: k, ["ridge": .string(ridge), "intercept": .bool(intercept)]) { i, j in
                        let value = correlation == 0 ? data[i * k + j] : base[i] + correlation * data[i * k + j]
                        return (value + (j % 3 == 1 ? 30 : 0)) * (j % 2 == 0 ? 1 : 1e6)
                    } y: {
                        base[$0] + 0.1 * data[$0 * k]
                    }
                    let report = try fit.report(try fit.solve())
                    #expect(report.isAccepted, "m \(m), k \(k), ridge \(ridge), intercept \(intercept): \(report.effort.worstRatio)")
                    worst = max(worst, report.effort.worstRatio)
                }
            }
        }
        #expect(worst < 0.5, "the margin is gone: \(worst)")
    }

    @Test func wrongAnswersAreRefused() throws {
        var random = TestRandom(9)
        let data = (0..<500 * 5).map { _ in random.normal() }
        let noise = (0..<500).map { _ in random.normal() }
        for model in ["linear", "logistic"] {
            let fit = try Fit(m: 500, k: 5, ["model": .string(model)], x: { data[$0 * 5 + $1] }) { i in
                let z = data[i * 5] - data[i * 5 + 3] + noise[i]
                return model == "linear" ? z : z > 0 ? 1 : 0
            }
            let outputs = try fit.solve()
            let honest = try fit.report(outputs)
            #expect(honest.isAccepted, "\(model): \(honest.effort.worstRatio)")
            for place in 0..<5 {
                let wrong = try outputs[0].changing(Double.self) { $0[place] *= 1 + 1e-6 }
                #expect(try !fit.report([wrong, outputs[1]]).isAccepted, "\(model), coefficient \(place) off by a millionth")
            }
            #expect(try !fit.report([outputs[0], try outputs[1].changing(Double.self) { $0[0] += 1e-6 }]).isAccepted)
            #expect(try !fit.report([try outputs[0].changing(Double.self) { $0[2] = .nan }, outputs[1]]).isAccepted)
            #expect(try !fit.report([try outputs[0].changing(Double.self) { $0.swapAt(0, 3) }, outputs[1]]).isAccepted)
            #expect(try !fit.report([try Tensor(zeros: outputs[0].descriptor), outputs[1]]).isAccepted, "nothing done")
        }
    }

    @Test func logisticNewtonEndsWhereTheLikelihoodIsHighest() throws {
        // One feature that is 0 or 1: the answer is the log odds of the two groups.
        let fit = try Fit(m: 100, k: 1, ["model": "logistic"], x: { i, _ in i < 40 ? 0 : 1 }) { i in i < 10 || (40..<85).contains(i) ? 1 : 0 }
        let outputs = try fit.solve()
        let log = { (x: Double) in Elementary.log(.init(repeating: x))[0] }
        #expect(abs(outputs[1].values(Double.self)[0] - log(10.0 / 30)) < 1e-12)
        #expect(abs(outputs[0].values(Double.self)[0] - (log(45.0 / 15) - log(10.0 / 30))) < 1e-12)
    }

    private func code(_ body: () throws -> Void) -> Problem.Code? {
        do { try body() } catch { return (error as? Problem)?.code }
        return nil
    }

    @Test func whatHasNoAnswerSaysSo() throws {
        let twins = try Fit(m: 20, k: 2, x: { i, _ in Double(i % 7) }) { Double($0) }
        #expect(code { _ = try twins.solve() } == .singularSystem)
        let withRidge = try Fit(m: 20, k: 2, ["ridge": "0.5"], x: { i, _ in Double(i % 7) }) { Double($0) }
        #expect(try withRidge.report(withRidge.solve()).isAccepted)
        let constant = try Fit(m: 20, k: 1, x: { _, _ in 1.7 }) { Double($0) }
        #expect(code { _ = try constant.solve() } == .singularSystem)
        let wide = try Fit(m: 3, k: 5, x: { Double(($0 * 7 + $1 * 3) % 5) }) { Double($0) }
        #expect(code { _ = try wide.solve() } == .singularSystem)
        let separable = try Fit(m: 20, k: 1, ["model": "logistic"], x: { i, _ in Double(i) }) { $0 < 10 ? 0 : 1 }
        #expect([.notConverged, .singularSystem].contains(code { _ = try separable.solve() }))
        let penalised = try Fit(m: 20, k: 1, ["model": "logistic", "ridge": "1"], x: { i, _ in Double(i) }) { $0 < 10 ? 0 : 1 }
        #expect(try penalised.report(penalised.solve()).isAccepted)
        let hasty = try Fit(m: 20, k: 1, ["model": "logistic", "iterations": 1], x: { i, _ in Double(i % 3) }) { $0 % 4 == 0 ? 0 : 1 }
        #expect(code { _ = try hasty.solve() } == .notConverged)
    }

    @Test func badSpecsAndInputsAreRefused() throws {
        func make(_ params: JSON = [:], x: [Int] = [4, 2], y: [Int] = [4], dtype: DType = .f64) throws {
            _ = try RegressionKernel(
                params: params,
                inputs: [try TensorDescriptor(name: "x", dtype: dtype, shape: x), try TensorDescriptor(name: "y", dtype: .f64, shape: y)])
        }
        #expect(code { try make() } == nil)
        #expect(code { try make(["model": "cubic"]) } == .badParams)
        #expect(code { try make(["iterations": 3]) } == .badParams)
        #expect(code { try make(["model": "logistic", "iterations": 0]) } == .outOfRange)
        #expect(code { try make(["ridge": "-1"]) } == .outOfRange)
        #expect(code { try make(["ridge": "nan"]) } == .wrongType)
        #expect(code { try make(["more": 1]) } == .unknownField)
        #expect(code { try make(y: [5]) } == .shapeMismatch)
        #expect(code { try make(x: [0, 2], y: [0]) } == .shapeMismatch)
        #expect(code { try make(x: [4]) } == .shapeMismatch)
        #expect(code { try make(x: [4, 8193]) } == .outOfRange)
        #expect(code { try make(dtype: .f32) } == .unsupportedDtype)
        let half = try Fit(m: 4, k: 1, ["model": "logistic"], x: { i, _ in Double(i) }) { Double($0) / 2 }
        #expect(code { try half.kernel.admit(half.inputs, passes: PlainPasses()) } == .outOfRange)
        let infinite = try Fit(m: 4, k: 1, x: { i, _ in 1 / Double(i) }) { Double($0) }
        #expect(code { try infinite.kernel.admit(infinite.inputs, passes: PlainPasses()) } == .nonFiniteInput)
        #expect(try RegressionKernel(params: [:], inputs: half.kernel.inputs).operations == 2 * 4 + 1)
    }

    /// Efron and others' diabetes data: with an intercept, R² is 0.5177.
    @Test func theDiabetesDataGiveTheirKnownDetermination() throws {
        let bytes = try Vectors.file("examples/diabetes.safetensors")
        let length = try SafetensorsHeader.headerLength(start: Array(bytes.prefix(8)), fileSize: bytes.count)
        let header = try SafetensorsHeader.parse(prefix: Array(bytes.prefix(8 + length)), fileSize: bytes.count)
        func tensor(_ name: String) throws -> Tensor {
            let entry = try header.entry(named: name)
            return try Tensor(try entry.descriptor(named: name), try TensorBuffer(Array(bytes[entry.fileRange])))
        }
        let (x, y) = (try tensor("x"), try tensor("y"))
        let kernel = try RegressionKernel(params: [:], inputs: [x.descriptor, y.descriptor])
        let outputs = try kernel.reference([x, y])
        let (w, c, target) = (outputs[0].values(Double.self), outputs[1].values(Double.self)[0], y.values(Double.self))
        let values = x.values(Double.self)
        let mean = target.reduce(0, +) / 442
        var (left, total) = (0.0, 0.0)
        for i in 0..<442 {
            let predicted = c + (0..<10).reduce(0) { $0 + values[i * 10 + $1] * w[$1] }
            left += (target[i] - predicted) * (target[i] - predicted)
            total += (target[i] - mean) * (target[i] - mean)
        }
        #expect(((1 - left / total) * 10_000).rounded() == 5177)
        var random = TestRandom(2)
        #expect(try kernel.verify([x, y], outputs, challenge: try random.challenge(), passes: PlainPasses()).isAccepted)
    }
}
