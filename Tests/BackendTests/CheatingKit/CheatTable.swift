import Foundation
import Kernels
import TestSupport
import Wire

/// Runs cheats against the jobs of one entry and counts what is caught. An output that is right to the bit after all is no cheat and isn't counted.
struct CheatTable {
    struct Count {
        var tried = 0
        var caught = 0
        /// The sum of the promised probabilities and of their variances, of the tries that had one.
        var promised = 0.0
        var variance = 0.0
        var isExact = true
        /// Tries that were surely promised to be caught, and those of which nothing was promised.
        var sure = 0
        var open = 0
    }

    let entry: KitEntry
    private(set) var names: [String] = []
    private(set) var counts: [String: Count] = [:]
    private(set) var honest = Count()
    /// Each output's smallest wrong cell that was caught every time.
    private(set) var smallest: [(output: String, size: SmallestCell, trials: Int)] = []
    private var missed = 0
    /// Surely promised cheats that went through, and checks that ended otherwise than they may.
    private(set) var failures: [String] = []

    init(_ entry: KitEntry) { self.entry = entry }

    /// - Parameter repeats: tries of a cheat that chance may let through.
    mutating func add(_ job: CheatedJob, repeats: Int, _ workshop: Workshop, _ random: inout TestRandom) throws {
        for _ in 0..<3 {
            honest.tried += 1
            if try job.verify(job.right, workshop, &random).isCaught { failures.append("an honest output was refused") } else { honest.caught += 1 }
        }
        for cheat in job.special + Move.cheats {
            let promise = try attempt(cheat, job, workshop, &random)
            guard let promise, promise != .surely, promise != .nothing else { continue }
            for _ in 1..<max(repeats, 1) { _ = try attempt(cheat, job, workshop, &random) }
        }
    }

    private mutating func attempt(_ cheat: Cheat, _ job: CheatedJob, _ workshop: Workshop, _ random: inout TestRandom) throws -> Promise? {
        guard let outputs = try cheat.outputs(job, &random) else { return nil }
        let isSame =
            outputs.count == job.right.count && zip(outputs, job.right).allSatisfy { $0.descriptor == $1.descriptor && $0.buffer.bytes == $1.buffer.bytes }
        guard !isSame else { return nil }
        let promise = cheat.promise ?? job.promise(outputs)
        let (isCaught, trouble) = try job.verify(outputs, workshop, &random)
        if let trouble { failures.append("\(cheat.name): \(trouble)") }
        if !names.contains(cheat.name) { names.append(cheat.name) }
        var count = counts[cheat.name] ?? Count()
        count.tried += 1
        if promise == .surely { count.sure += 1 }
        if isCaught { count.caught += 1 }
        if !isCaught, promise == .surely {
            missed += 1
            failures.append("\(cheat.name) was not caught")
        }
        if let share = promise.probability {
            (count.promised, count.variance) = (count.promised + share, count.variance + share * (1 - share))
        } else {
            count.open += 1
        }
        if case .atLeast = promise { count.isExact = false }
        if case .nothing = promise { count.isExact = false }
        counts[cheat.name] = count
        return promise
    }

    mutating func findSmallest(_ job: CheatedJob, trials: Int, _ workshop: Workshop, _ random: inout TestRandom) throws {
        for index in job.right.indices where job.rows[index].values.count > 0 {
            smallest.append((job.right[index].name, try SmallestCell.find(job, index, trials: trials, workshop, &random), trials))
        }
    }

    /// Rows whose share is further from the promise than chance explains: four standard deviations.
    var unlikely: [String] {
        names.compactMap { name in
            guard let count = counts[name] else { return nil }
            let (caught, deviation) = (Double(count.caught), 4 * count.variance.squareRoot() + 1)
            let isLikely = caught >= count.promised - deviation && (!count.isExact || caught <= count.promised + deviation)
            return isLikely ? nil : "\(name): \(count.caught) of \(count.tried) caught, \(count.promised) promised"
        }
    }

    /// Tries that were surely promised to be caught, and those of them that weren't.
    var sure: (tried: Int, missed: Int) { (counts.values.reduce(0) { $0 + $1.sure }, missed) }
}

extension CheatedJob {
    /// Whether a check refuses these outputs, and what is odd about how it does.
    func verify(_ outputs: [Tensor], _ workshop: Workshop, _ random: inout TestRandom) throws -> (isCaught: Bool, trouble: String?) {
        let isDescribed = outputs.count == right.count && zip(outputs, right).allSatisfy { $0.descriptor == $1.descriptor }
        do {
            let report = try kernel.verify(inputs, outputs, challenge: try random.challenge(), passes: workshop.passes)
            guard let refusal = report.refusal else { return (false, isDescribed ? nil : "another tensor was taken") }
            if !right.contains(where: { $0.name == refusal.output }) { return (true, "the refusal names no output") }
            return (true, isFair(refusal, outputs) ? nil : "the refusal names \(refusal), which isn't so")
        } catch let problem as Problem {
            return (true, problem.code == .shapeMismatch && !isDescribed ? nil : "\(problem)")
        }
    }

    /// Whether a refusal that names a cell names one that is wrong, and where bits are defined and nothing else is wrong the right ones.
    private func isFair(_ refusal: VerificationReport.Refusal, _ outputs: [Tensor]) -> Bool {
        guard refusal.finding == nil, let expected = refusal.expected else { return true }
        guard expected != refusal.found else { return false }
        let wrong = zip(outputs, rows).filter { $0.buffer.bytes != $1.bytes }
        guard [.i32Exact, .f32Panel256, .f64Panel256].contains(kernel.arithmetic), wrong.count == 1, let (output, old) = wrong.first else { return true }
        guard output.name == refusal.output else { return true }
        // A training's segments are judged from the checkpoint before, right or wrong.
        if case .segments = rule(output.name) { return true }
        let (place, size) = (refusal.cell.row * old.columns + refusal.cell.column, output.dtype.byteCount)
        guard old.values.indices.contains(place) else { return false }
        func hex(_ bytes: [UInt8]) -> String { bytes[place * size..<(place + 1) * size].reversed().map { String($0, radix: 16).leftPadded }.joined() }
        return expected == hex(old.bytes) && refusal.found == hex(output.buffer.bytes)
    }
}

extension String {
    /// Two hex digits.
    fileprivate var leftPadded: String { count < 2 ? "0" + self : self }
}
