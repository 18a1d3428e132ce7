import ArgumentParser
import Jobs
import Kernels
import Wire

/// One kernel's part of a command line: what there is to compute.
protocol WorkOptions: ParsableArguments {
    /// The kernel's name, which is also the command's.
    static var kernel: String { get }
    /// What it does, in a line.
    static var abstract: String { get }
    /// Arguments of a whole command line after the kernel's name.
    static var example: String { get }
    /// What the options' help doesn't say; nil where there is nothing.
    static var notes: String? { get }

    /// Opens and hashes the inputs; the same bytes are one blob.
    func job() throws(Problem) -> PreparedJob
}

extension WorkOptions {
    static var notes: String? { nil }
}

/// What a worker must have: the options of every kernel.
struct RequirementOptions: ParsableArguments {
    @Option(name: .customLong("min-tier"), help: "The lowest tier of worker: feedback, inference, aggregator, trainer.") var minTier: String?
    @Option(name: .customLong("memory-mb"), help: "Memory that the worker must have, in MiB.") var memoryMB: Int?

    func requirements() throws(Problem) -> Requirements {
        let tier = try minTier.map { (name) throws(Problem) in try Tier(name: name) }
        return Requirements(minTier: tier, memoryMB: memoryMB)
    }
}

/// A spec with its inputs, checked as the coordinator will check it.
struct PreparedJob {
    let spec: JobSpec
    let kernel: any Kernel
    let inputs: [any JobInput]
    let roots: [Digest]

    init(kernel: String, params: JSON, inputs: [any JobInput], requirements: Requirements) throws(Problem) {
        var roots: [Digest] = []
        for (index, input) in inputs.enumerated() {
            let same = inputs[..<index].firstIndex { $0.place == input.place }
            roots.append(same.map { roots[$0] } ?? input.tensor.root)
        }
        spec = try JobSpec(
            type: kernel, params: params, inputs: zip(inputs, roots).map { InputSpec($0.tensor.descriptor, .blob($1)) }, requirements: requirements)
        self.kernel = try spec.kernel()
        self.inputs = inputs
        self.roots = roots
    }
}
