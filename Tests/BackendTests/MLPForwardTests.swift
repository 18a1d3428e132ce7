import Foundation
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct MLPForwardTests {
    private func kernel(_ rows: Int, _ sizes: [Int], _ activations: [String]) throws -> MLPForwardKernel {
        var inputs = [try TensorDescriptor(name: "x", dtype: .f32, shape: [rows, sizes[0]])]
        for layer in activations.indices {
            inputs.append(try TensorDescriptor(name: "w\(layer)", dtype: .f32, shape: [sizes[layer], sizes[layer + 1]]))
            inputs.append(try TensorDescriptor(name: "b\(layer)", dtype: .f32, shape: [sizes[layer + 1]]))
        }
        return try MLPForwardKernel(params: ["activations": .array(activations.map { .string($0) })], inputs: inputs)
    }

    private func tensors(_ kernel: MLPForwardKernel, _ scale: Double = 1, seed: UInt64 = 3) throws -> [Tensor] {
        var random = TestRandom(seed)
        return try kernel.inputs.map { descriptor in
            let tensor = try Tensor(zeros: descriptor)
            tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = Float(random.normal() * scale) } }
            return tensor
        }
    }

    @Test(arguments: [
        (1, [1, 1], ["none"]), (7, [5, 3], ["softmax"]), (17, [33, 40, 9, 3], ["gelu", "tanh", "softmax"]), (2, [3, 270], ["softmax"]),
        (31, [257, 17], ["relu"]),
    ])
    func `every path gives the definition's bits, and they are accepted`(rows: Int, sizes: [Int], activations: [String]) throws {
        let kernel = try kernel(rows, sizes, activations)
        // The second overflows here and there: infinities, NaN and what they become.
        for scale in [1, 1e19] {
            let inputs = try tensors(kernel, scale)
            let expected = try kernel.reference(inputs)
            for backend in Backends.native {
                for (found, wanted) in zip(try kernel.run(inputs, on: backend, control: .none, limit: 1 << 28), expected) {
                    #expect(found.buffer.bytes == wanted.buffer.bytes, "\(found.name) on \(backend.device)")
                }
            }
            var random = TestRandom(5)
            for passes in [PlainPasses(), try NativePasses(threads: 2)] as [any VerifierPasses] {
                #expect(try kernel.verify(inputs, expected, challenge: random.challenge(), passes: passes).isAccepted)
            }
        }
    }

    @Test func `passes find the first wrong element of a layer`() throws {
        for (rows, columns) in [(1, 1), (17, 3), (40, 33), (3, 300)] {
            for activation in LayerActivation.allCases {
                let layer = LayerOutput(rows: rows, columns: columns, activation: activation)
                let product = try Tensor(zeros: try TensorDescriptor(name: "product", dtype: .f32, shape: [rows, columns]))
                let bias = try Tensor(zeros: try TensorDescriptor(name: "b", dtype: .f32, shape: [columns]))
                Data.special.fill(product, seed: 3)
                Data.normal.fill(bias, seed: 4)
                let y = try Tensor(zeros: product.descriptor)
                try PlainEngine().activate(layer, product: product, bias: bias, into: y, control: .none)
                let place = rows * columns * 2 / 3
                let wrong = try y.copy { $0.withMutableElements(as: UInt32.self) { for i in $0.indices where i >= place { $0[i] ^= 1 } } }
                for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
                    let passes = try NativePasses(threads: 2, instructionSet: instructionSet)
                    #expect(try passes.firstWrong(layer, product: product, bias: bias, y: y) == nil, "\(layer) \(instructionSet)")
                    #expect(try passes.firstWrong(layer, product: product, bias: bias, y: wrong) == place, "\(layer) \(instructionSet)")
                }
                #expect(try PlainPasses().firstWrong(layer, product: product, bias: bias, y: wrong) == place)
            }
        }
    }

    @Test func `cheats are refused`() throws {
        let kernel = try kernel(64, [32, 48, 10], ["relu", "softmax"])
        let inputs = try tensors(kernel)
        let backend = try NativeGEMM(threads: 1, isMeasured: false)
        let honest = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 28)
        let passes = try NativePasses(threads: 1)
        var random = TestRandom(9)
        func refusal(_ outputs: [Tensor]) throws -> VerificationReport.Refusal? {
            try kernel.verify(inputs, outputs, challenge: random.challenge(), passes: passes).refusal
        }
        func replaced(_ name: String, _ change: (inout MutableSpan<Float>) -> Void) throws -> [Tensor] {
            try honest.map { tensor in try tensor.name == name ? tensor.copy { $0.withMutableElements(as: Float.self) { change(&$0) } } : tensor }
        }
        #expect(try refusal(honest) == nil)
        // One answer in its last bit.
        #expect(try refusal(replaced("y") { $0[77] = $0[77].nextUp })?.cell == Cell(row: 7, column: 7))
        // A product rounded to 16 bits, everything behind it made from that: the later layers are right, the first isn't.
        #expect(try refusal(replaced("product0") { for i in $0.indices { $0[i] = Float(Float16($0[i])) } })?.output == "product0")
        #expect(try refusal(replaced("product1") { for i in $0.indices { $0[i] = Float(Float16($0[i])) } })?.output == "product1")
        // A row of one example for another's.
        #expect(try refusal(replaced("product0") { for i in 0..<48 { $0[i] = $0[48 + i] } })?.output == "product0")
        // Another input's work.
        let stale = try kernel.run(tensors(kernel, seed: 4), on: backend, control: .none, limit: 1 << 28)
        #expect(try refusal(stale) != nil)
    }

    @Test func `bad input is refused`() throws {
        func expect(_ code: Problem.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
            let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation, performing: body)
            #expect(problem?.code == code, sourceLocation: sourceLocation)
        }
        expect(.badParams) { _ = try kernel(1, [1, 1], ["swish"]) }
        expect(.badParams) { _ = try kernel(1, [1, 1, 1], ["softmax", "none"]) }
        expect(.shapeMismatch) { _ = try kernel(0, [1, 1], ["none"]) }
        expect(.outOfRange) { _ = try kernel(1, [0, 1], ["none"]) }
        let good = try kernel(2, [3, 4], ["none"])
        expect(.missingField) { _ = try MLPForwardKernel(params: ["activations": ["none"]], inputs: Array(good.inputs.dropLast())) }
        expect(.shapeMismatch) {
            let wrong = try TensorDescriptor(name: "w0", dtype: .f32, shape: [4, 3])
            _ = try MLPForwardKernel(params: ["activations": ["none"]], inputs: [good.inputs[0], wrong, good.inputs[2]])
        }
        let inputs = try tensors(good)
        inputs[2].withMutableElements(as: Float.self) { $0[1] = .infinity }
        expect(.nonFiniteInput) { try good.admit(inputs, passes: PlainPasses()) }
        #expect(good.operations == 2 * 2 * 3 * 4 && good.intermediates == ["product0"])
    }

    // MARK: digits

    /// `x` and `y` of one of the examples' files.
    private func digits(_ part: String) throws -> [String: Tensor] {
        let bytes = Array(try Foundation.Data(contentsOf: Vectors.packageRoot.appending(path: "examples/digits-\(part).safetensors")))
        let header = try SafetensorsHeader.parse(prefix: bytes, fileSize: bytes.count)
        return try Dictionary(
            uniqueKeysWithValues: header.entries.map { entry in
                let name = entry.name == "y" ? "labels" : entry.name
                return (name, try Tensor(entry.descriptor(named: name), try TensorBuffer(Array(bytes[entry.fileRange]))))
            })
    }

    @Test func `digits are learnt, and told by the trained network`() throws {
        let (train, test) = (try digits("train"), try digits("test"))
        let inputs = [try #require(train["x"]), try #require(train["labels"])]
        let params = Training.params(
            sizes: [64, 10], ["relu", "softmax"], loss: "cross_entropy", steps: 1200, batch: 128, segments: 120, [("rate", "0.1"), ("momentum", "0.9")])
        let kernel = try MLPTrainKernel(params: params, inputs: inputs.map(\.descriptor))
        let backend = try NativeGEMM(threads: 2, isMeasured: false)
        let trained = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 28)
        var random = TestRandom(2)
        #expect(try kernel.verify(inputs, trained, challenge: random.challenge(), passes: NativePasses(threads: 1)).isAccepted)

        let questions = [try #require(test["x"])] + trained.dropLast(2)
        let forward = try MLPForwardKernel(params: ["activations": ["relu", "softmax"]], inputs: questions.map(\.descriptor))
        let answers = try forward.run(questions, on: backend, control: .none, limit: 1 << 28)[0].floats
        let truth = try TrainingData.classes(try #require(test["labels"]), below: 10)
        let right = truth.indices.filter { row in
            let line = answers[row * 10..<row * 10 + 10]
            return line.firstIndex(of: line.max() ?? 0) == row * 10 + Int(truth[row])
        }.count
        #expect(Double(right) / Double(truth.count) >= 0.95, "\(right) of \(truth.count)")
    }
}
