import Kernels
import NativeBackend
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    static let trainings: [KitEntry] = [
        training("SGD with momentum, sampled", [("rate", "0.05"), ("momentum", "0.9")], [("rate", "0.049"), ("momentum", "0.9")]),
        training("Adam, sampled", [("optimiser", "adam"), ("rate", "0.01")], [("optimiser", "adam"), ("rate", "0.0099")]),
    ]

    private static func training(_ title: String, _ numbers: [(String, JSON)], _ others: [(String, JSON)]) -> KitEntry {
        let sizes = "40 examples, layers 6 → 8 → 3, 120 steps of 10 in 40 segments, of which 8 and both ends are run again"
        return KitEntry("mlp.train", title, sizes) { workshop, random in
            func kernel(_ numbers: [(String, JSON)], steps: Int = 120, batch: Int = 10, seed: String = "training") throws -> MLPTrainKernel {
                let params: [(String, JSON)] =
                    [
                        ("sizes", [8, 3]), ("activations", ["relu", "softmax"]), ("loss", "cross_entropy"), ("seed", .string(SHA256.hash(utf8: seed).hex)),
                        ("steps", .integer(Int64(steps))), ("batch", .integer(Int64(batch))), ("segments", 40),
                    ] + numbers
                let x = try TensorDescriptor(name: "x", dtype: .f32, shape: [40, 6])
                return try MLPTrainKernel(
                    params: .object(JSONObject(distinct: params)), inputs: [x, try TensorDescriptor(name: "labels", dtype: .i32, shape: [40])])
            }
            func data() throws -> [Tensor] {
                let right = try kernel(numbers)
                let (x, labels) = (try workshop.normal([right.inputs[0]], &random)[0], try Tensor(zeros: right.inputs[1]))
                labels.withMutableElements(as: Int32.self) { for i in $0.indices { $0[i] = Int32(random.next() % 3) } }
                return [x, labels]
            }
            let right = try kernel(numbers)
            let (inputs, plan) = (try data(), right.plan)
            var job = try CheatedJob(right, inputs, others: try workshop.run(right, try data()), workshop) { name in
                switch name {
                case "losses": .segments(plan, ofStates: false)
                case "checkpoints": .segments(plan, ofStates: true)
                default: .always
                }
            }
            job.surePlaces = [
                "losses": [plan.steps(of: 0), plan.steps(of: 39)], "checkpoints": [0..<plan.stateCount, 39 * plan.stateCount..<40 * plan.stateCount],
            ]
            let other = try kernel(others).plan
            job.special = [
                .passedOff("another rate") { try workshop.run(try kernel(others), inputs) },
                .passedOff("another seed's start and order") { try workshop.run(try kernel(numbers, seed: "another"), inputs) },
                .passedOff("smaller batches") { try workshop.run(try kernel(numbers, batch: 9), inputs) },
                .passedOff("two of three steps skipped") {
                    let short = try workshop.run(try kernel(numbers, steps: 40), inputs)
                    let losses = short[short.count - 2]
                    let spread = try Tensor(zeros: right.outputs[right.outputs.count - 2])
                    spread.withMutableElements(as: Float.self) { spread in
                        losses.withElements(as: Float.self) { for i in spread.indices { spread[i] = $0[i / 3] } }
                    }
                    return short.map { $0.name == "losses" ? spread : $0 }
                },
            ]
            for count in [1, 4, 10, 20] {
                job.special += [
                    Cheat("another rate in \(count) of 40 segments", promise: CheatedJob.promise(Set(1...count), plan)) { _, random in
                        try Forgery(right, workshop, inputs, random.inner(count)).outputs { other }
                    },
                    Cheat("the last step of \(count) of 40 segments skipped", promise: CheatedJob.promise(Set(1...count), plan)) { _, random in
                        try Forgery(right, workshop, inputs, random.inner(count)).outputs(skipping: true) { plan }
                    },
                    Cheat("a loss of \(count) of 40 segments made up") { job, random in
                        var losses = job.rows[job.rows.count - 2]
                        for segment in random.inner(count) {
                            let step = plan.steps(of: segment).lowerBound
                            losses.set(step, losses.values[step] * 0.999)
                        }
                        return Array(job.right.dropLast(2)) + [try losses.made(), job.right[job.right.count - 1]]
                    },
                ]
            }
            job.special.append(
                Cheat("a checkpoint copied over the next") { job, random in
                    var states = job.rows[job.rows.count - 1]
                    // It spoils two segments, neither at an end.
                    let segment = 2 + Int(random.next() % 36)
                    states.bytes.replaceSubrange(
                        states.range(segment, 0..<states.columns), with: states.bytes[states.range(segment - 1, 0..<states.columns)])
                    return Array(job.right.dropLast()) + [try states.made()]
                })
            return job
        }
    }
}

extension TestRandom {
    /// So many of the 38 segments between the first and the last of 40.
    fileprivate mutating func inner(_ count: Int) -> Set<Int> { Set(Array(1...38).shuffled(using: &self).prefix(count)) }
}

/// A training that is honest but in some of its segments.
private struct Forgery {
    let kernel: MLPTrainKernel
    let workshop: Workshop
    let inputs: [Tensor]
    let segments: Set<Int>

    init(_ kernel: MLPTrainKernel, _ workshop: Workshop, _ inputs: [Tensor], _ segments: Set<Int>) {
        (self.kernel, self.workshop, self.inputs, self.segments) = (kernel, workshop, inputs, segments)
    }

    /// - Parameters: skipping: whether the last step of a forged segment is left out, its loss that of the step before. plan: what it is run by.
    func outputs(skipping: Bool = false, _ plan: () -> TrainingPlan) throws -> [Tensor] {
        let right = kernel.plan
        let data = try TrainingData(right, x: inputs[0], labels: inputs[1])
        var (state, losses, states): ([Float], [Float], [Float]) = (try TrainingStart.state(right, given: nil), [], [])
        for segment in 0..<right.segments {
            let (all, isForged) = (right.steps(of: segment), segments.contains(segment))
            let steps = isForged && skipping ? all.lowerBound..<all.upperBound - 1 : all
            let stretch = try workshop.backend.train(isForged ? plan() : right, data, steps: steps, state: &state, control: .none)
            losses += stretch.losses
            if steps != all { losses.append(stretch.losses[stretch.losses.count - 1]) }
            states += state
        }
        return try kernel.outputs.reduce(into: (made: [Tensor](), place: 0)) { result, descriptor in
            let (tensor, place) = (try Tensor(zeros: descriptor), result.place)
            tensor.withMutableElements(as: Float.self) { cells in
                for i in cells.indices { cells[i] = descriptor.name == "losses" ? losses[i] : descriptor.name == "checkpoints" ? states[i] : state[place + i] }
            }
            result = (result.made + [tensor], place + descriptor.elementCount)
        }.made
    }
}
