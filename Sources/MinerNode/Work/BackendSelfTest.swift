package import Kernels
import Profiler
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

    /// Compares the device with the plain-Swift definition, bit by bit, for every arithmetic that it offers.
    ///
    /// Synchronous; a second or so in a debug build.
    ///
    /// - Throws: `backend_unavailable` saying what went wrong.
    package static func run(_ backend: any ComputeBackend) throws(Problem) {
        var tried = 0
        for dtype in [DType.i8, .f32, .f64] {
            for (index, shape) in shapes.enumerated() {
                let transposeA = index % 2 == 1
                let transposeB = index >= 2
                let a = try random("a", dtype, transposeA ? [shape.k, shape.m] : [shape.m, shape.k])
                let b = try random("b", dtype, transposeB ? [shape.n, shape.k] : [shape.k, shape.n])
                let kernel = try GEMMKernel(
                    params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)], inputs: [a.descriptor, b.descriptor])
                guard kernel.capability(on: backend) != nil else { continue }
                let what = "\(backend.name), \(kernel.arithmetic.rawValue) \(shape.m)×\(shape.n)×\(shape.k)"
                try compare(kernel, [a, b], on: backend, what)
                tried += 1
            }
        }
        for dtype in [DType.f32, .f64] {
            for operations in chains {
                let x = try random("x", dtype, [2 * 2048 + 300])
                let kernel = try ComputeKernel(params: ["operations": .array(operations.map { .string($0) })], inputs: [x.descriptor])
                guard kernel.capability(on: backend) != nil else { continue }
                try compare(kernel, [x], on: backend, "\(backend.name), compute \(operations.joined(separator: " ")) in \(dtype.rawValue)")
                tried += 1
            }
        }
        guard tried > 0 else { throw Problem(.backendUnavailable, "\(backend.name) offers no kernel that can be tested") }
    }

    /// Throws `backend_unavailable` unless the device gives the definition's bits.
    private static func compare(_ kernel: any Kernel, _ inputs: [Tensor], on backend: any ComputeBackend, _ what: String) throws(Problem) {
        let outputs: [Tensor]
        do {
            outputs = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 24)
        } catch {
            throw Problem(.backendUnavailable, "\(what): \(error)")
        }
        guard outputs.map(\.root) == (try kernel.reference(inputs)).map(\.root) else {
            throw Problem(.backendUnavailable, "\(what): the answer is wrong")
        }
    }

    private static func random(_ name: String, _ dtype: DType, _ shape: [Int]) throws(Problem) -> Tensor {
        try RandomTensor(seed: SHA256.hash(utf8: "adit.selftest.\(name)"), descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: shape)).generate()
    }
}
