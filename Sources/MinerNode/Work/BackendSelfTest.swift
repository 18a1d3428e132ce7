import Jobs
package import Kernels
package import Wire

/// Runs known work on a device before it may take jobs: one that errs must not cost its owner a reputation.
package enum BackendSelfTest {
    /// Shapes that cross what kernels are cut by: one element, thin, odd, and one past a panel of 256; small enough for the plain definition.
    private static let shapes: [(m: Int, n: Int, k: Int)] = [(1, 1, 1), (3, 17, 300), (65, 33, 257), (130, 97, 270)]

    /// Every operation of `compute` at least once; some square roots are of negative numbers.
    private static let chains = [
        ["sqrt"], ["reciprocal", "floor"], ["square", "negate", "ceil"], ["abs", "sqrt", "round"], ["relu", "truncate"], ["square", "sum"], ["product"],
        ["mean"],
        ["min"], ["max"],
    ]

    /// One piece of known work.
    package struct Question: Sendable {
        let kernel: any Kernel
        let inputs: [Tensor]
        /// The outputs' roots by the plain-Swift definition.
        let roots: [Digest]
        let what: String
    }

    /// Compares the device with the plain-Swift definition, bit by bit, for every arithmetic that it offers.
    ///
    /// Synchronous; a second or so in a debug build.
    ///
    /// - Throws: `backend_unavailable` saying what went wrong.
    package static func run(_ backend: any ComputeBackend) throws(Problem) {
        let questions = try questions(for: backend)
        do {
            try ask(backend, questions)
        } catch {
            throw error.problem
        }
    }

    /// The known work for what a device offers, with its answers: made once, asked often.
    ///
    /// - Throws: `backend_unavailable` for a device that offers none of it.
    package static func questions(for backend: any ComputeBackend) throws(Problem) -> [Question] {
        var questions: [Question] = []
        for dtype in [DType.i8, .f32, .f64] {
            for (index, shape) in shapes.enumerated() {
                let transposeA = index % 2 == 1
                let transposeB = index >= 2
                let a = try random("a", dtype, transposeA ? [shape.k, shape.m] : [shape.m, shape.k])
                let b = try random("b", dtype, transposeB ? [shape.n, shape.k] : [shape.k, shape.n])
                let kernel = try GEMMKernel(
                    params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)], inputs: [a.descriptor, b.descriptor])
                guard kernel.capability(on: backend) != nil else { continue }
                questions.append(try question(kernel, [a, b], "\(backend.name), \(kernel.arithmetic.rawValue) \(shape.m)×\(shape.n)×\(shape.k)"))
            }
        }
        for dtype in [DType.f32, .f64] {
            for operations in chains {
                let x = try random("x", dtype, [2 * 2048 + 300])
                let kernel = try ComputeKernel(params: ["operations": .array(operations.map { .string($0) })], inputs: [x.descriptor])
                guard kernel.capability(on: backend) != nil else { continue }
                questions.append(try question(kernel, [x], "\(backend.name), compute \(operations.joined(separator: " ")) in \(dtype.rawValue)"))
            }
        }
        guard !questions.isEmpty else { throw Problem(.backendUnavailable, "\(backend.name) offers no kernel that can be tested") }
        return questions
    }

    private static func question(_ kernel: any Kernel, _ inputs: [Tensor], _ what: String) throws(Problem) -> Question {
        Question(kernel: kernel, inputs: inputs, roots: try kernel.reference(inputs).map(\.root), what: what)
    }

    /// Throws a failure unless the device gives the definition's bits.
    static func ask(_ backend: any ComputeBackend, _ questions: [Question], control: RunControl = .none) throws(DeviceFailure) {
        for question in questions {
            let outputs: [Tensor]
            do {
                outputs = try question.kernel.run(question.inputs, on: backend, control: control, limit: 1 << 24)
            } catch {
                throw DeviceFailure(.deviceError, Problem(.backendUnavailable, "\(question.what): \(error)"))
            }
            guard outputs.map(\.root) == question.roots else {
                throw DeviceFailure(.wrongAnswer, Problem(.backendUnavailable, "\(question.what): the answer is wrong"))
            }
        }
    }

    private static func random(_ name: String, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "adit.selftest.\(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
    }
}

/// What is wrong with a device: an error, a hang or a wrong answer, and what it said.
struct DeviceFailure: Error {
    /// Of the kind `quarantined`.
    let reason: WorkReason
    let problem: Problem

    init(_ reason: WorkReason, _ problem: Problem) { (self.reason, self.problem) = (reason, problem) }
}
