import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct MLPParamsTests {
    private func expect(_ code: Problem.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
        let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation, performing: body)
        #expect(problem?.code == code, sourceLocation: sourceLocation)
    }

    private let seed = JSON.string(String(repeating: "ab", count: 32))

    private func params(_ changes: [(String, JSON?)] = []) -> JSON {
        let standard: [(String, JSON?)] = [
            ("sizes", [8, 3]), ("activations", ["relu", "softmax"]), ("loss", "cross_entropy"), ("rate", "0.1"), ("seed", seed), ("steps", 100),
            ("batch", 10), ("segments", 20),
        ]
        let names = Set(changes.map { $0.0 })
        return .object(JSONObject(distinct: (standard.filter { !names.contains($0.0) } + changes).compactMap { name, value in value.map { (name, $0) } }))
    }

    private func train(
        _ changes: [(String, JSON?)] = [], x: [Int] = [30, 4], xDType: DType = .f32, labels: [Int] = [30], _ dtype: DType = .i64,
        _ more: [TensorDescriptor] = []
    ) throws -> MLPTrainKernel {
        try MLPTrainKernel(
            params: params(changes),
            inputs: [TensorDescriptor(name: "x", dtype: xDType, shape: x), TensorDescriptor(name: "labels", dtype: dtype, shape: labels)] + more)
    }

    @Test func `a spec gives shapes, cost and class`() throws {
        let kernel = try train([("momentum", "0.9")])
        #expect(kernel.outputs.map(\.name) == ["w0", "b0", "w1", "b1", "losses", "checkpoints"])
        #expect(kernel.outputs.map(\.shape) == [[4, 8], [8], [8, 3], [3], [100], [20, 2 * 67]])
        #expect(kernel.operations == 6 * 100 * 10 * (32 + 24) && kernel.intermediates == ["checkpoints"])
        #expect(kernel.verification == .sampled(SampledFigures(unit: "segments", population: 20, checked: 8)))
        #expect(try train([("segments", 1000), ("steps", 1000)]).verification == .sampled(SampledFigures(unit: "segments", population: 1000, checked: 50)))
        #expect(try train([("segments", 7)]).verification == .sampled(SampledFigures(unit: "segments", population: 7, checked: 7)))
        #expect(try train([("segments", nil)]).plan.segments == 100)
    }

    @Test func `what doesn't fit is refused with its code`() throws {
        expect(.missingField) { _ = try train([("rate", nil)]) }
        expect(.unknownField) { _ = try train([("rat", "1")]) }
        expect(.wrongType) { _ = try train([("rate", "fast")]) }
        expect(.wrongType) { _ = try train([("rate", "0x1p3")]) }
        expect(.wrongType) { _ = try train([("rate", "nan")]) }
        expect(.outOfRange) { _ = try train([("rate", "-0.1")]) }
        expect(.outOfRange) { _ = try train([("rate", "1e400")]) }
        expect(.outOfRange) { _ = try train([("momentum", "1.5")]) }
        expect(.badParams) { _ = try train([("optimiser", "newton")]) }
        expect(.badParams) { _ = try train([("loss", "hinge")]) }
        expect(.badParams) { _ = try train([("activations", ["relu", "relu"])]) }
        expect(.badParams) { _ = try train([("activations", ["softmax", "softmax"])]) }
        expect(.badParams) { _ = try train([("activations", ["relu"])]) }
        expect(.badParams) { _ = try train([("arithmetic", "free")]) }
        expect(.outOfRange) { _ = try train([("steps", 0)]) }
        expect(.outOfRange) { _ = try train([("batch", 0)]) }
        expect(.outOfRange) { _ = try train([("segments", 101)]) }
        expect(.outOfRange) { _ = try train([("sizes", [0, 3])]) }
        expect(.outOfRange) { _ = try train(x: [0, 4], labels: [0]) }
        expect(.unsupportedDtype) { _ = try train(labels: [30], .f32) }
        expect(.unsupportedDtype) { _ = try train(xDType: .f64) }
        expect(.shapeMismatch) { _ = try train(labels: [29]) }
        expect(.shapeMismatch) { _ = try train(x: [30]) }
        expect(.missingField) { _ = try train([], x: [30, 4], labels: [30], .i64, [TensorDescriptor(name: "w0", dtype: .f32, shape: [4, 8])]) }
        // A step beyond what 64 bits count.
        expect(.outOfRange) {
            _ = try train(
                [("sizes", [1_048_576, 1_048_576]), ("steps", 2_147_483_647), ("batch", 1_048_576)], x: [30, 4], labels: [30])
        }
    }

    @Test func `labels and numbers are looked at before money is taken`() throws {
        let kernel = try train()
        let x = try Tensor(zeros: kernel.inputs[0])
        let labels = try Tensor(zeros: kernel.inputs[1])
        try kernel.admit([x, labels], passes: PlainPasses())
        labels.withMutableElements(as: Int64.self) { $0[7] = 3 }
        expect(.outOfRange) { try kernel.admit([x, labels], passes: PlainPasses()) }
        labels.withMutableElements(as: Int64.self) { $0[7] = -1 }
        expect(.outOfRange) { try kernel.admit([labels], passes: PlainPasses()) }
        labels.withMutableElements(as: Int64.self) { $0[7] = 2 }
        x.withMutableElements(as: Float.self) { $0[1] = .nan }
        expect(.nonFiniteInput) { try kernel.admit([x, labels], passes: PlainPasses()) }
    }

    @Test func `reals are decimal digits`() {
        #expect(RealText.number("0.05") == 0.05 && RealText.number("1e-8") == 1e-8 && RealText.number("-2.5E+3") == -2500)
        for text in ["", ".5", "5.", "1e", "+1", " 1", "1 ", "inf", "nan", "0x10", "1_000", "1,5"] { #expect(RealText.number(text) == nil, "\(text)") }
    }

    @Test func `given weights are where training starts`() throws {
        let plain = try train([("steps", 2), ("segments", 2)])
        let given = try train([("steps", 2), ("segments", 2)], x: [30, 4], labels: [30], .i64, plain.plan.layers.weights())
        let x = try RandomTensor(seed: SHA256.hash(utf8: "x"), descriptor: plain.inputs[0]).generate()
        let labels = try Tensor(zeros: plain.inputs[1])
        let start = try TrainingStart.state(plain.plan, given: nil)
        var place = 0
        var weights: [Tensor] = []
        for descriptor in try plain.plan.layers.weights() {
            let tensor = try Tensor(zeros: descriptor)
            tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = start[place + i] } }
            place += descriptor.elementCount
            weights.append(tensor)
        }
        let (first, second) = (try plain.reference([x, labels]), try given.reference([x, labels] + weights))
        #expect(zip(first, second).allSatisfy { $0.buffer.bytes == $1.buffer.bytes })
    }
}
