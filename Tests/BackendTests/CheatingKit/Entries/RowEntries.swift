import Kernels
import TestSupport
import Wire

@testable import Kernels

/// Softmax, layer normalisation, reductions, chains: all recomputed.
extension CheatingKit {
    static let rows: [KitEntry] = [
        KitEntry("softmax", "F32, recomputed", sizes) { try softmax(.f32, $0, &$1) },
        KitEntry("softmax", "F64, recomputed", sizes) { try softmax(.f64, $0, &$1) },
        KitEntry("layernorm", "F32, recomputed", sizes) { try layerNorm(.f32, $0, &$1) },
        KitEntry("layernorm", "F64, recomputed", sizes) { try layerNorm(.f64, $0, &$1) },
    ]

    static let chains: [KitEntry] = [
        KitEntry("reduce", "F32, recomputed", "20 to 40 × 30 to 60 × 5 along the second axis: sum, mean, min, max or product") { try reduce(.f32, $0, &$1) },
        KitEntry("reduce", "F64, recomputed", "as above") { try reduce(.f64, $0, &$1) },
        KitEntry("reduce", "I32, recomputed", "as above: sum, min, max, argmin or argmax") { try reduce(.i32, $0, &$1) },
        KitEntry("reduce", "F32, places, recomputed", "as above: argmin or argmax") { try reduce(.f32, places: true, $0, &$1) },
        KitEntry("compute", "F32, recomputed", "20 to 40 × 30 to 60 elements: tanh, square, gelu") { try chain(["tanh", "square", "gelu"], .f32, $0, &$1) },
        KitEntry("compute", "F64, recomputed", "as above") { try chain(["tanh", "square", "gelu"], .f64, $0, &$1) },
        KitEntry("compute", "F32, a reduction, recomputed", "20 to 40 × 30 to 60 elements: exp, square, sum") {
            try chain(["exp", "square", "sum"], .f32, $0, &$1)
        },
    ]

    private static let sizes = "20 to 40 rows of 30 to 60"

    private static func matrix(_ dtype: DType, _ random: inout TestRandom) throws -> TensorDescriptor {
        try TensorDescriptor(name: "x", dtype: dtype, shape: [random.draw(20...40), random.draw(30...60)])
    }

    private static func job(
        _ kernel: any Kernel, _ workshop: Workshop, _ random: inout TestRandom, _ special: (CheatedJob) throws -> [Cheat]
    ) throws -> CheatedJob {
        let inputs = try workshop.normal(kernel.inputs, &random)
        let others = try workshop.run(kernel, inputs, with: try workshop.normal([kernel.inputs[0]], &random)[0])
        var job = try CheatedJob(kernel, inputs, others: others, workshop) { _ in .always }
        job.special = Cheat.lowerPrecisions(kernel, inputs, ["x"], workshop) + (try special(job))
        return job
    }

    /// The first output, its elements changed.
    private static func changed(_ name: String, _ change: @escaping (Int, Double) -> Double) -> Cheat {
        Cheat(name) { job, _ in
            var rows = job.rows[0]
            for (place, value) in job.rows[0].values.enumerated() { rows.set(place, change(place, value)) }
            return [try rows.made()]
        }
    }

    private static func softmax(_ dtype: DType, _ workshop: Workshop, _ random: inout TestRandom) throws -> CheatedJob {
        let kernel = try workshop.kernel(SoftmaxKernel.name, [], [try matrix(dtype, &random)])
        return try job(kernel, workshop, &random) { job in
            let (x, y, columns) = (Rows(job.inputs[0]), job.rows[0], job.rows[0].columns)
            return [
                changed("not divided by the sum") { place, value in
                    let row = place / columns * columns
                    let sum = (row..<row + columns).reduce(0) { $0 + y.values[$1] / y.values[row] }
                    return value * sum
                },
                changed("normalised over the whole tensor") { _, value in value / Double(y.rows) },
                changed("linear in place of e^x") { place, _ in x.values[place] / Double(columns) },
            ]
        }
    }

    private static func layerNorm(_ dtype: DType, _ workshop: Workshop, _ random: inout TestRandom) throws -> CheatedJob {
        let x = try matrix(dtype, &random)
        let descriptors = [x] + (try ["gamma", "beta"].map { try TensorDescriptor(name: $0, dtype: dtype, shape: [x.shape[1]]) })
        func kernel(_ epsilon: JSON) throws -> any Kernel { try workshop.kernel(LayerNormKernel.name, [("epsilon", epsilon)], descriptors) }
        let right = try kernel("0.001")
        return try job(right, workshop, &random) { job in
            let (inputs, columns) = (job.inputs, Double(x.shape[1]))
            return [
                .passedOff("epsilon left out") { try workshop.run(try kernel("0"), inputs) },
                .passedOff("another epsilon") { try workshop.run(try kernel("0.00101"), inputs) },
                .passedOff("beta left out") { try workshop.run(right, inputs, with: try inputs[2].zeroed()) },
                .passedOff("gamma and beta in each other's place") {
                    try workshop.run(right, inputs, with: try inputs[1].renamed("beta"), try inputs[2].renamed("gamma"))
                },
                changed("variance by n − 1") { _, value in value * ((columns - 1) / columns).squareRoot() },
            ]
        }
    }

    private static func reduce(_ dtype: DType, places: Bool = false, _ workshop: Workshop, _ random: inout TestRandom) throws -> CheatedJob {
        let exact = places ? ["argmin", "argmax"] : ["sum", "min", "max", "argmin", "argmax"]
        let operations = places || dtype == .i32 ? exact : ["sum", "mean", "min", "max", "product"]
        let place = random.draw(0...operations.count - 1)
        let (rows, length) = (random.draw(20...40), random.draw(30...60))
        func kernel(_ place: Int, _ length: Int) throws -> any Kernel {
            try workshop.kernel(
                ReduceKernel.name, [("operation", .string(operations[place % operations.count])), ("axes", [1])],
                [try TensorDescriptor(name: "x", dtype: dtype, shape: [rows, length, 5])])
        }
        return try job(try kernel(place, length), workshop, &random) { job in
            let x = job.inputs[0]
            return [
                .passedOff("the last element of each left out") {
                    let short = try kernel(place, length - 1)
                    let (old, size) = (x.buffer.bytes, 5 * x.dtype.byteCount)
                    var bytes: [UInt8] = []
                    for row in 0..<rows { bytes += old[row * length * size..<(row * length + length - 1) * size] }
                    return try workshop.run(short, [try Tensor(short.inputs[0], try TensorBuffer(bytes))])
                },
                .passedOff("another operation") { try workshop.run(try kernel(place + 1, length), [x]) },
            ]
        }
    }

    private static func chain(_ steps: [String], _ dtype: DType, _ workshop: Workshop, _ random: inout TestRandom) throws -> CheatedJob {
        let x = try matrix(dtype, &random)
        func kernel(_ steps: [String]) throws -> any Kernel {
            try workshop.kernel(ComputeKernel.name, [("operations", .array(steps.map { .string($0) }))], [x])
        }
        return try job(try kernel(steps), workshop, &random) { job in
            let inputs = job.inputs
            return [
                .passedOff("a step left out") { try workshop.run(try kernel(Array(steps.dropFirst())), inputs) },
                .passedOff("two steps swapped") { try workshop.run(try kernel([steps[1], steps[0], steps[2]]), inputs) },
                .passedOff("one element left out") {
                    var rows = Rows(inputs[0])
                    rows.set(rows.values.count - 1, 0)
                    return try workshop.run(job.kernel, [try rows.made()])
                },
            ]
        }
    }
}
