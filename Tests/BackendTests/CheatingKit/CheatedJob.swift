import Kernels
import TestSupport
import Testing
import Wire

/// A job of any kernel with its right outputs and what cheats make others of.
struct CheatedJob {
    let kernel: any Kernel
    let inputs: [Tensor]
    let right: [Tensor]
    /// The right outputs of another job of the same kernel: stale work, or somebody else's.
    let others: [Tensor]
    /// Cheats of this kernel alone.
    var special: [Cheat] = []
    /// What the kernel's class says of a wrong output of this name.
    let rule: (String) -> Rule
    /// Where a single wrong cell of an output is surely looked at; anywhere, for an output that isn't here.
    var surePlaces: [String: [Range<Int>]] = [:]

    /// The right outputs, as numbers.
    let rows: [Rows]

    init(_ kernel: any Kernel, _ inputs: [Tensor], others: [Tensor], _ workshop: Workshop, rule: @escaping (String) -> Rule) throws {
        (self.kernel, self.inputs, self.others, self.rule) = (kernel, inputs, others, rule)
        right = try workshop.run(kernel, inputs)
        rows = right.map { Rows($0) }
    }
}

/// One way to be paid for less than the work, or for other work.
struct Cheat {
    let name: String
    /// What is promised, where that can't be seen from what is wrong in the outputs.
    var promise: Promise?
    /// Altered outputs; nil where the cheat makes no sense.
    let outputs: (CheatedJob, inout TestRandom) throws -> [Tensor]?

    init(_ name: String, promise: Promise? = nil, _ outputs: @escaping (CheatedJob, inout TestRandom) throws -> [Tensor]?) {
        (self.name, self.promise, self.outputs) = (name, promise, outputs)
    }

    /// Outputs of other work, handed in for this.
    static func passedOff(_ name: String, _ outputs: @escaping () throws -> [Tensor]) -> Cheat { Cheat(name) { _, _ in try outputs() } }
}

/// A kernel in one of its classes, for the kit to cheat on.
struct KitEntry: Sendable, CustomTestStringConvertible {
    /// The kernel's name in the registry.
    let kernel: String
    /// What the kernel is asked for, such as `F32, reproducible`.
    let title: String
    /// The jobs' sizes, in words.
    let sizes: String
    /// A job of random size and data.
    let job: @Sendable (Workshop, inout TestRandom) throws -> CheatedJob

    init(_ kernel: String, _ title: String, _ sizes: String, job: @escaping @Sendable (Workshop, inout TestRandom) throws -> CheatedJob) {
        (self.kernel, self.title, self.sizes, self.job) = (kernel, title, sizes, job)
    }

    var testDescription: String { "\(kernel), \(title)" }
}

/// All entries. A kernel of the registry that has none fails a test.
enum CheatingKit {
    static let entries: [KitEntry] = gemm + convolutions + attentions + networks + trainings + regressions + rows + chains
}
