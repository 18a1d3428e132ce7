import Foundation
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// A training with its data, small enough for the plain definition in a debug build.
struct Training {
    let kernel: MLPTrainKernel
    let inputs: [Tensor]

    static let seed = JSON.string(SHA256.hash(utf8: "training").hex)

    static func params(
        sizes: [Int], _ activations: [String], loss: String, steps: Int, batch: Int, segments: Int, _ others: [(String, JSON)]
    ) -> JSON {
        .object(
            JSONObject(
                distinct: [
                    ("sizes", .array(sizes.map { .integer(Int64($0)) })), ("activations", .array(activations.map { .string($0) })), ("loss", .string(loss)),
                    ("seed", seed), ("steps", .integer(Int64(steps))), ("batch", .integer(Int64(batch))), ("segments", .integer(Int64(segments))),
                ] + others))
    }

    init(
        examples: Int, inputs width: Int, sizes: [Int], _ activations: [String], loss: String = "cross_entropy", steps: Int, batch: Int, segments: Int,
        _ others: [(String, JSON)] = [("rate", "0.1")]
    ) throws {
        var random = TestRandom(7)
        let x = try Tensor(zeros: TensorDescriptor(name: "x", dtype: .f32, shape: [examples, width]))
        x.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = Float(random.normal()) } }
        let out = sizes.last ?? 1
        let labels: Tensor
        if loss == "cross_entropy" {
            labels = try Tensor(zeros: TensorDescriptor(name: "labels", dtype: .i32, shape: [examples]))
            labels.withMutableElements(as: Int32.self) { for i in $0.indices { $0[i] = Int32(random.next() % UInt64(out)) } }
        } else {
            labels = try Tensor(zeros: TensorDescriptor(name: "labels", dtype: .f32, shape: [examples, out]))
            labels.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = Float(random.normal()) } }
        }
        inputs = [x, labels]
        kernel = try MLPTrainKernel(
            params: Self.params(sizes: sizes, activations, loss: loss, steps: steps, batch: batch, segments: segments, others),
            inputs: inputs.map(\.descriptor))
    }

    func run(on backend: any ComputeBackend) throws -> [Tensor] { try kernel.run(inputs, on: backend, control: .none, limit: 1 << 30) }

    func verify(_ outputs: [Tensor], _ challenge: Challenge, _ passes: any VerifierPasses) throws -> VerificationReport {
        try kernel.verify(inputs, outputs, challenge: challenge, passes: passes)
    }
}

@Suite struct TrainingTests {
    static let shapes: [@Sendable () throws -> Training] = [
        {
            try Training(
                examples: 37, inputs: 5, sizes: [7, 3], ["relu", "softmax"], steps: 5, batch: 11, segments: 2, [("rate", "0.1"), ("momentum", "0.9")])
        },
        { try Training(examples: 9, inputs: 33, sizes: [17], ["softmax"], steps: 3, batch: 20, segments: 3) },
        {
            try Training(
                examples: 20, inputs: 3, sizes: [9, 34, 2], ["gelu", "tanh", "none"], loss: "squared_error", steps: 3, batch: 17, segments: 1,
                [("optimiser", "adam"), ("rate", "0.01")])
        },
        {
            try Training(
                examples: 300, inputs: 2, sizes: [1, 2], ["tanh", "softmax"], steps: 2, batch: 259, segments: 2, [("optimiser", "adam"), ("rate", "1e-2")])
        },
        { try Training(examples: 5, inputs: 259, sizes: [2, 1], ["relu", "tanh"], loss: "squared_error", steps: 2, batch: 1, segments: 2) },
        { try Training(examples: 3, inputs: 1, sizes: [258], ["softmax"], steps: 2, batch: 2, segments: 1, [("rate", "0.5")]) },
    ]

    @Test(arguments: shapes.indices) func `every path and thread count gives the definition's bits`(shape: Int) throws {
        let training = try Self.shapes[shape]()
        let expected = try training.kernel.reference(training.inputs)
        for backend in Backends.native {
            for (found, wanted) in zip(try training.run(on: backend), expected) {
                #expect(found.buffer.bytes == wanted.buffer.bytes, "\(found.name) on \(backend.device)")
            }
        }
        var random = TestRandom(1)
        for passes in [PlainPasses(), try NativePasses(threads: 2)] as [any VerifierPasses] {
            #expect(try training.verify(expected, random.challenge(), passes).isAccepted)
        }
    }

    /// Large enough a step for several threads.
    @Test func `threads that meet in a step give one thread's bits`() throws {
        let training = try Training(examples: 200, inputs: 300, sizes: [260, 130, 70], ["relu", "gelu", "softmax"], steps: 4, batch: 100, segments: 2)
        let wanted = try training.run(on: NativeGEMM(threads: 1, isMeasured: false))
        for instructionSet in InstructionSet.allCases.filter(\.isAvailable) where instructionSet != .portable {
            for threads in [2, 3, 5] {
                let found = try training.run(on: NativeGEMM(threads: threads, instructionSet: instructionSet, isMeasured: false))
                for (tensor, expected) in zip(found, wanted) { #expect(tensor.root == expected.root, "\(tensor.name) \(instructionSet) \(threads)") }
            }
        }
    }

    @Test func `gradients agree with differences`() throws {
        // One step of plain descent with rate 1 moves by the gradient; the loss changes by its square.
        for activation in ["relu", "gelu", "tanh", "none"] {
            for (last, loss) in [("softmax", "cross_entropy"), (activation, "squared_error")] {
                let training = try Training(
                    examples: 8, inputs: 6, sizes: [5, 4], [activation, last], loss: loss, steps: 2, batch: 8, segments: 2, [("rate", "1e-3")])
                let outputs = try training.kernel.reference(training.inputs)
                let checkpoints = try #require(outputs.last).floats
                let start = try TrainingStart.state(training.kernel.plan, given: nil)
                let moved = zip(start, checkpoints).map { Double($0 - $1) }
                let losses = outputs[outputs.count - 2].floats.map { Double($0) }
                let expected = moved.reduce(0) { $0 + $1 * $1 } / 1e-3
                // The second order's share, rate·|H|/2, is below 2 %, and the loss's rounding 2^−23 of about 2.
                #expect(abs(losses[0] - losses[1] - expected) < 0.03 * expected + 2e-6, "\(activation) \(loss)")
            }
        }
    }

    @Test func `each epoch takes every row once, in another order`() throws {
        let plan = try Training(examples: 37, inputs: 1, sizes: [2], ["softmax"], steps: 10, batch: 11, segments: 1).kernel.plan
        var order = TrainingOrder(plan, from: 0)
        let rows = order.rows(110)
        #expect(Set(rows[0..<37]).count == 37 && Set(rows[37..<74]).count == 37 && Array(rows[0..<37]) != Array(rows[37..<74]))
        var later = TrainingOrder(plan, from: 55)
        #expect(later.rows(22) == Array(rows[55..<77]))
        // Written down once, so that it can't change unseen.
        #expect(Array(rows.prefix(8)) == Self.firstRows)
    }

    static let firstRows: [Int32] = [22, 9, 26, 20, 14, 1, 11, 0]

    @Test func `a rate too large is stopped at its step`() throws {
        let training = try Training(
            examples: 20, inputs: 4, sizes: [5, 2], ["none", "none"], loss: "squared_error", steps: 60, batch: 8, segments: 6, [("rate", "100")])
        let problem = #expect(throws: Problem.self) { try training.run(on: NativeGEMM(threads: 1, isMeasured: false)) }
        #expect(problem?.code == .trainingDiverged && problem?.detail.contains("at step") == true)
        let plain = #expect(throws: Problem.self) { try training.kernel.reference(training.inputs) }
        #expect(plain == problem)
    }

    @Test func `cancellation stops a run`() throws {
        let training = try Training(examples: 50, inputs: 64, sizes: [64, 10], ["relu", "softmax"], steps: 3000, batch: 128, segments: 1)
        let problem = #expect(throws: Problem.self) {
            try training.kernel.run(
                training.inputs, on: NativeGEMM(threads: 1, isMeasured: false), control: RunControl(isCanceled: { true }), limit: 1 << 30)
        }
        #expect(problem?.code == .canceled)
    }
}

extension Tensor {
    var floats: [Float] { withElements(as: Float.self) { elements in elements.indices.map { elements[$0] } } }
}
