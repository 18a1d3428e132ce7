import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// `mlp.forward` in free arithmetic: every backend's products are accepted, and what isn't the network's work is not.
@Suite struct FreeForwardTests {
    private func kernel(_ rows: Int, _ sizes: [Int], _ activations: [String]) throws -> MLPForwardKernel {
        var inputs = [try TensorDescriptor(name: "x", dtype: .f32, shape: [rows, sizes[0]])]
        for layer in activations.indices {
            inputs.append(try TensorDescriptor(name: "w\(layer)", dtype: .f32, shape: [sizes[layer], sizes[layer + 1]]))
            inputs.append(try TensorDescriptor(name: "b\(layer)", dtype: .f32, shape: [sizes[layer + 1]]))
        }
        return try MLPForwardKernel(params: ["activations": .array(activations.map { .string($0) }), "arithmetic": "free"], inputs: inputs)
    }

    private func tensors(_ kernel: MLPForwardKernel, _ data: Data = .normal, seed: UInt64 = 3) throws -> [Tensor] {
        try kernel.inputs.enumerated().map { index, descriptor in
            let tensor = try Tensor(zeros: descriptor)
            data.fill(tensor, seed: seed &+ UInt64(index))
            return tensor
        }
    }

    /// Products by one backend, layers by our own kernels.
    private struct Mixed: ComputeBackend {
        let products: any ComputeBackend
        let layers: NativeGEMM
        var name: String { products.name }
        var device: String { products.device }
        func capability(for gemm: GEMM) -> Capability? { products.capability(for: gemm) }
        func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
            try products.run(gemm, a: a, b: b, into: c, control: control)
        }
        func capability(for layer: LayerOutput) -> Capability? { layers.capability(for: layer) }
        func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
            try layers.activate(layer, product: product, bias: bias, into: y, control: control)
        }
    }

    @Test(arguments: [
        (1, [1, 1], ["none"]), (7, [5, 3], ["softmax"]), (37, [33, 70, 9, 3], ["gelu", "tanh", "softmax"]), (65, [257, 64, 33], ["relu", "relu"]),
    ])
    func `every backend's work is accepted`(rows: Int, sizes: [Int], activations: [String]) throws {
        let kernel = try kernel(rows, sizes, activations)
        #expect(kernel.arithmetic == .f32 && kernel.verification.name == "numeric")
        let layers = try NativeGEMM(threads: 1, isMeasured: false)
        var random = TestRandom(5)
        for data in [Data.normal, .constant] {
            let inputs = try tensors(kernel, data)
            for product in Backends.all {
                let backend = Mixed(products: product, layers: layers)
                guard kernel.capability(on: backend) != nil else { continue }
                #expect(kernel.capability(on: backend)?.arithmetic == .f32)
                let outputs = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 28)
                let report = try kernel.verify(inputs, outputs, challenge: random.challenge(), passes: NativePasses(threads: 2))
                #expect(report.isAccepted && report.verification == kernel.verification, "\(data) on \(product.device): \(report.refusal?.reason ?? "")")
            }
            // The definition's own order is one of the free ones.
            #expect(try kernel.verify(inputs, kernel.reference(inputs), challenge: random.challenge(), passes: PlainPasses()).isAccepted)
        }
    }

    /// A dishonest worker: every step as the network has it, but for what `change` does to a layer's operands, product or values.
    private struct Worker {
        var operands: (Int, Tensor, Tensor) throws -> (Tensor, Tensor) = { ($1, $2) }
        var product: (Int, Tensor) throws -> Tensor = { $1 }
        var bias: (Int, Tensor) throws -> Tensor = { $1 }
        var activation: (Int, LayerActivation) -> LayerActivation = { $1 }

        func work(_ kernel: MLPForwardKernel, _ inputs: [Tensor]) throws -> [Tensor] {
            let backend = try NativeGEMM(threads: 1, isMeasured: false)
            var (values, outputs): (Tensor, [Tensor]) = (inputs[0], [])
            for layer in 0..<kernel.layers.count {
                let (x, w) = try operands(layer, values, inputs[1 + 2 * layer])
                let shape = [kernel.rows, kernel.layers.sizes[layer + 1]]
                let c = try Tensor(zeros: try TensorDescriptor(name: "product\(layer)", dtype: .f32, shape: shape))
                try backend.run(try GEMM(m: shape[0], n: shape[1], k: x.shape[1], arithmetic: .f32), a: x, b: w, into: c, control: .none)
                outputs.append(try product(layer, c))
                values = try Tensor(zeros: try TensorDescriptor(name: layer == kernel.layers.count - 1 ? "y" : "x", dtype: .f32, shape: shape))
                let output = LayerOutput(rows: shape[0], columns: shape[1], activation: activation(layer, kernel.layers.activations[layer]))
                try backend.activate(output, product: outputs[layer], bias: bias(layer, inputs[2 + 2 * layer]), into: values, control: .none)
            }
            return [values] + outputs
        }
    }

    @Test func `cheats are refused`() throws {
        let kernel = try kernel(96, [64, 80, 48, 10], ["relu", "gelu", "softmax"])
        let inputs = try tensors(kernel)
        let passes = try NativePasses(threads: 1)
        var random = TestRandom(9)
        func refusal(_ worker: Worker, _ given: [Tensor]? = nil) throws -> VerificationReport.Refusal? {
            try kernel.verify(inputs, worker.work(kernel, given ?? inputs), challenge: random.challenge(), passes: passes).refusal
        }
        func tensor(_ tensor: Tensor, _ change: (inout MutableSpan<Float>) -> Void) throws -> Tensor {
            try tensor.copy { $0.withMutableElements(as: Float.self) { change(&$0) } }
        }
        #expect(try refusal(Worker()) == nil)
        for layer in 0..<3 {
            let name = "product\(layer)"
            for bits: UInt32 in [10, 7] {
                let both = Worker(operands: { $0 == layer ? (try $1.rounded(toBits: bits), try $2.rounded(toBits: bits)) : ($1, $2) })
                #expect(try refusal(both)?.output == name)
                #expect(try refusal(Worker(operands: { ($1, $0 == layer ? try $2.rounded(toBits: bits) : $2) }))?.output == name)
            }
            // A row left out, one copied, one cell off by a hundredth of its row.
            #expect(try refusal(Worker(product: { $0 == layer ? try tensor($1) { for i in 0..<10 { $0[i] = 0 } } : $1 }))?.output == name)
            #expect(try refusal(Worker(product: { $0 == layer ? try tensor($1) { for i in 0..<10 { $0[i] = $0[i + 10 * 7] } } : $1 }))?.output == name)
            #expect(try refusal(Worker(product: { $0 == layer ? try tensor($1) { $0[123] += 0.1 } : $1 }))?.output == name)
            // What lies between the products shows in the next one, and at the end in y.
            let next = layer < 2 ? "product\(layer + 1)" : "y"
            #expect(try refusal(Worker(bias: { $0 == layer ? try tensor($1) { $0[1] += 0.5 } : $1 }))?.output == next)
            #expect(try refusal(Worker(activation: { $0 == layer ? .none : $1 }))?.output == next)
            #expect(try refusal(Worker(activation: { $0 == layer ? .tanh : $1 }))?.output == next)
        }
        // An answer in its last bit; the work on other data.
        let honest = try Worker().work(kernel, inputs)
        let last = [try tensor(honest[0]) { $0[77] = $0[77].nextUp }] + honest.dropFirst()
        #expect(try kernel.verify(inputs, last, challenge: random.challenge(), passes: passes).refusal?.cell == Cell(row: 7, column: 7))
        #expect(try refusal(Worker(), tensors(kernel, seed: 77))?.output == "product0")
    }

    @Test func `sums that may overflow are given back, and not accepted`() throws {
        let kernel = try kernel(3, [4, 5, 2], ["relu", "none"])
        let passes = PlainPasses()
        var random = TestRandom(1)
        func filled(_ value: (Int) -> Float) throws -> [Tensor] {
            try kernel.inputs.enumerated().map { index, descriptor in
                try Tensor(zeros: descriptor).copy { $0.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = value(index) } } }
            }
        }
        func code(_ body: () throws -> Void) -> Problem.Code? {
            do { try body() } catch { return (error as? Problem)?.code }
            return nil
        }
        let backend = try NativeGEMM(threads: 1, isMeasured: false)
        // The second layer's: 4·10^18·10^18 in the first, times 10^5 in the second.
        let inner = try filled { [1e18, 1e18, 0, 1e5, 0][$0] }
        #expect(code { try kernel.admit(inner, passes: passes) } == nil)
        #expect(code { _ = try kernel.run(inner, on: backend, control: .none, limit: 1 << 20) } == .sumsOverflow)
        let made = try Worker().work(kernel, inner)
        #expect(try kernel.verify(inner, made, challenge: random.challenge(), passes: passes).refusal?.output == "product0")
        #expect(code { try kernel.admit(try filled { [1e20, 1e20, 0, 1, 0][$0] }, passes: passes) } == .outOfRange)
        // An infinity by the bias.
        let biased = try filled { [1, 1, 3.4e38, 1, 0][$0] }
        #expect(code { _ = try kernel.run(biased, on: backend, control: .none, limit: 1 << 20) } == .sumsOverflow)
        let large = try filled { [1e15, 1e15, 0, 1e5, 0][$0] }
        let outputs = try kernel.run(large, on: backend, control: .none, limit: 1 << 20)
        #expect(try kernel.verify(large, outputs, challenge: random.challenge(), passes: passes).isAccepted)
    }

    @Test func `the class says what it is`() throws {
        #expect(try kernel(2, [4096, 4], ["none"]).verification.json == NumericVerifier.standard(try GEMM(m: 2, n: 4, k: 4096, arithmetic: .f32)).json)
        guard case .numeric(let figures) = try kernel(2, [8, 4097, 4], ["relu", "none"]).verification else { return #expect(Bool(false)) }
        #expect(!figures.isFull && figures.filters.count == 4)
        let problem = #expect(throws: Problem.self) { try kernel(2, [16_385, 4], ["none"]) }
        #expect(problem?.code == .tooLong)
    }
}
