import TestSupport
import Testing
import Wire

@testable import Kernels

extension TestRandom {
    mutating func challenge() throws -> Challenge { try Challenge(bytes32()) }
}

/// A shape with its transposes.
struct Shape: CustomStringConvertible, Sendable {
    var m: Int, n: Int, k: Int
    var transposeA = false
    var transposeB = false

    var description: String { "\(m)×\(n)×\(k)\(transposeA ? " Aᵀ" : "")\(transposeB ? " Bᵀ" : "")" }

    func kernel(_ dtype: DType) throws -> GEMMKernel {
        try GEMMKernel(
            params: ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)],
            inputs: [
                TensorDescriptor(name: "a", dtype: dtype, shape: transposeA ? [k, m] : [m, k]),
                TensorDescriptor(name: "b", dtype: dtype, shape: transposeB ? [n, k] : [k, n]),
            ])
    }
}

extension Tensor {
    /// A tensor from values, element by element.
    init<Element: BitwiseCopyable>(_ descriptor: TensorDescriptor, _ values: [Element]) throws {
        try self.init(zeros: descriptor)
        withMutableElements(as: Element.self) { elements in
            for index in elements.indices { elements[index] = values[index] }
        }
    }

    func values<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
        withElements(as: type) { elements in elements.indices.map { elements[$0] } }
    }

    /// A copy with one element changed.
    func changing<Element: BitwiseCopyable>(_ type: Element.Type, _ change: (inout [Element]) throws -> Void) throws -> Tensor {
        var values = values(type)
        try change(&values)
        return try Tensor(descriptor, values)
    }
}

/// A job with its right answer.
struct Job {
    let kernel: GEMMKernel
    let inputs: [Tensor]
    let output: Tensor

    init(_ kernel: GEMMKernel, _ inputs: [Tensor]) throws {
        self.kernel = kernel
        self.inputs = inputs
        output = try #require(try kernel.reference(inputs).first)
    }

    /// Floats by a rule from (is B, row of op, column of op) to the value.
    init(_ shape: Shape, _ dtype: DType, _ rule: (Bool, Int, Int) -> Double) throws {
        let kernel = try shape.kernel(dtype)
        var inputs: [Tensor] = []
        for (index, descriptor) in kernel.inputs.enumerated() {
            let transposed = index == 0 ? shape.transposeA : shape.transposeB
            let columns = descriptor.shape[1]
            let values = (0..<descriptor.elementCount).map { position -> Double in
                let (row, column) = (position / columns, position % columns)
                return transposed ? rule(index == 1, column, row) : rule(index == 1, row, column)
            }
            inputs.append(dtype == .f64 ? try Tensor(descriptor, values) : try Tensor(descriptor, values.map { Float($0) }))
        }
        try self.init(kernel, inputs)
    }

    /// I8 with random entries.
    init(integers shape: Shape, _ random: inout TestRandom) throws {
        let kernel = try shape.kernel(.i8)
        var inputs: [Tensor] = []
        for descriptor in kernel.inputs {
            inputs.append(try Tensor(descriptor, (0..<descriptor.elementCount).map { _ in Int8(truncatingIfNeeded: random.next()) }))
        }
        try self.init(kernel, inputs)
    }

    func verify(_ challenge: Challenge) throws -> VerificationReport { try verify(output, challenge) }

    func verify(_ output: Tensor, _ challenge: Challenge) throws -> VerificationReport {
        try kernel.verify(inputs, [output], challenge: challenge, passes: PlainPasses())
    }
}

/// Shapes that stumble: empty, single, prime, around a panel, thin, wide, transposed.
let awkwardShapes: [Shape] = [
    Shape(m: 0, n: 3, k: 4), Shape(m: 3, n: 0, k: 4), Shape(m: 3, n: 4, k: 0), Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 1, k: 513),
    Shape(m: 40, n: 20, k: 0), Shape(m: 1, n: 601, k: 5), Shape(m: 601, n: 1, k: 5, transposeA: true), Shape(m: 90, n: 7, k: 17),
    Shape(m: 90, n: 8, k: 255), Shape(m: 7, n: 90, k: 256, transposeB: true), Shape(m: 31, n: 29, k: 257, transposeA: true, transposeB: true),
    Shape(m: 23, n: 37, k: 300, transposeA: true), Shape(m: 37, n: 23, k: 1, transposeB: true),
]
