import Kernels
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    static let regressions: [KitEntry] = [
        regression("linear, optimality", []), regression("ridge, optimality", [("ridge", "3.5")]), regression("logistic, optimality", [("model", "logistic")]),
    ]

    private static func regression(_ title: String, _ params: [(String, JSON)]) -> KitEntry {
        let isLogistic = params.contains { $0.0 == "model" }
        return KitEntry("regression.train", title, "120 to 200 examples of 3 to 6 features, standard normal, with noise") { workshop, random in
            let (m, k) = (random.draw(120...200), random.draw(3...6))
            func descriptors(_ m: Int) throws -> [TensorDescriptor] {
                [try TensorDescriptor(name: "x", dtype: .f64, shape: [m, k]), try TensorDescriptor(name: "y", dtype: .f64, shape: [m])]
            }
            func kernel(_ m: Int, _ changed: [(String, JSON)] = []) throws -> any Kernel {
                let kept = params.filter { old in !changed.contains { $0.0 == old.0 } }
                return try workshop.kernel(RegressionKernel.name, kept + changed, try descriptors(m))
            }
            func data() throws -> [Tensor] {
                let tensors = try workshop.normal(try descriptors(m), &random)
                let x = Rows(tensors[0]).values
                tensors[1].withMutableElements(as: Double.self) { y in
                    for i in y.indices {
                        let value = 0.7 + x[i * k] - 0.5 * x[i * k + 1] + random.normal()
                        y[i] = isLogistic ? (value > 0 ? 1 : 0) : value
                    }
                }
                return tensors
            }
            func first(_ count: Int, of inputs: [Tensor]) throws -> [Tensor] {
                try zip(inputs, try descriptors(count)).map { tensor, descriptor in
                    try Tensor(descriptor, try TensorBuffer(Array(tensor.buffer.bytes.prefix(descriptor.byteCount))))
                }
            }
            let right = try kernel(m)
            let inputs = try data()
            var job = try CheatedJob(right, inputs, others: try workshop.run(right, try data()), workshop) { _ in .cells(limit: 1e-9) }
            job.special = Cheat.lowerPrecisions(right, inputs, ["x"], workshop)
            job.special += [
                .passedOff("fitted to half of the examples") { try workshop.run(try kernel(m / 2), try first(m / 2, of: inputs)) },
                .passedOff("one example left out") { try workshop.run(try kernel(m - 1), try first(m - 1, of: inputs)) },
                .passedOff("another ridge") { try workshop.run(try kernel(m, [("ridge", "3.6")]), inputs) },
                .passedOff("no intercept fitted") {
                    try workshop.run(try kernel(m, [("intercept", .bool(false))]), inputs)
                        + [try Tensor(zeros: try TensorDescriptor(name: "intercept", dtype: .f64, shape: [1]))]
                },
            ]
            if title.hasPrefix("ridge") { job.special.append(.passedOff("ridge left out") { try workshop.run(try kernel(m, [("ridge", "0")]), inputs) }) }
            if isLogistic {
                job.special.append(.passedOff("least squares passed off") { try workshop.run(try kernel(m, [("model", "linear")]), inputs) })
            }
            return job
        }
    }
}
