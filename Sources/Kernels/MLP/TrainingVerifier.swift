import Wire

/// The class *sampled* for training: segments run again from the checkpoint before them, and everything they leave compared to the bit.
///
/// The first and the last segment, and `sampleSize` others that the challenge chooses. A wrong share f of the segments passes with at most
/// (1−f)^q. A segment that is right starts from what the one before claims to have reached, so all right segments are one right training.
struct TrainingVerifier {
    let plan: TrainingPlan
    let passes: any VerifierPasses

    /// Up to so many operations a segment is confirmed by the plain definition before a refusal: seconds. A longer one is run twice.
    private static let confirmed: Int64 = 300_000_000

    /// q = max(8, ⌊S/20⌋) of the segments between the first and the last, or all.
    static func sampleSize(_ segments: Int) -> Int { min(max(8, segments / 20), max(0, segments - 2)) }

    /// Segments that are run again.
    static func checkedSegments(_ segments: Int) -> Int { min(segments, sampleSize(segments) + 2) }

    static func figures(_ plan: TrainingPlan) -> VerificationClass {
        let all = plan.segments <= sampleSize(plan.segments) + 2
        return .sampled(SampledFigures(unit: "segments", population: plan.segments, checked: all ? plan.segments : sampleSize(plan.segments)))
    }

    /// - Parameters:
    ///   - start: the state before the first step.
    ///   - weights: w0, b0, w1, b1, … as handed in.
    func verify(
        _ data: TrainingData, start: [Float], weights: [Tensor], losses: Tensor, checkpoints: Tensor, _ challenge: Challenge
    ) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = try refusal(data, start, weights, losses, checkpoints, challenge, &effort)
        return VerificationReport(Self.figures(plan), refusal: refusal, effort: effort)
    }

    private func refusal(
        _ data: TrainingData, _ start: [Float], _ weights: [Tensor], _ losses: Tensor, _ checkpoints: Tensor, _ challenge: Challenge,
        _ effort: inout VerificationReport.Effort
    ) throws(Problem) -> VerificationReport.Refusal? {
        if let refusal = divergence(losses) ?? differing(weights, checkpoints) { return refusal }
        var stream = challenge.stream()
        let (last, inner) = (plan.segments - 1, max(0, plan.segments - 2))
        let chosen = [0] + stream.distinct(Self.sampleSize(plan.segments), below: inner).map { $0 + 1 } + (last > 0 ? [last] : [])
        for segment in chosen {
            let begin = segment == 0 ? start : state(checkpoints, segment - 1)
            effort.rows += 1
            guard let refusal = try check(segment, begin, data, losses, checkpoints, passes, &effort) else { continue }
            let steps = plan.steps(of: segment).count
            let isShort = plan.operations / Int64(plan.steps) * Int64(steps) <= Self.confirmed
            var again = VerificationReport.Effort()
            let second = try check(segment, begin, data, losses, checkpoints, isShort ? PlainEngine() : passes, &again)
            guard second == refusal else {
                throw Problem(.internalError, "a verifier pass does not repeat itself, or disagrees with the definition, in segment \(segment)")
            }
            return refusal
        }
        return nil
    }

    /// A training whose loss stops being finite has no output.
    private func divergence(_ losses: Tensor) -> VerificationReport.Refusal? {
        losses.withElements(as: UInt32.self) { bits in
            for step in bits.indices where !Float(bitPattern: bits[step]).isFinite {
                return VerificationReport.Refusal(losses, Cell(row: 0, column: step), expected: 0, found: UInt64(bits[step]))
            }
            return nil
        }
    }

    /// The weights are the last checkpoint's.
    private func differing(_ weights: [Tensor], _ checkpoints: Tensor) -> VerificationReport.Refusal? {
        checkpoints.withElements(as: UInt32.self) { all in
            var place = (plan.segments - 1) * plan.stateCount
            for tensor in weights {
                let columns = tensor.shape.count == 2 ? max(1, tensor.shape[1]) : max(1, tensor.descriptor.elementCount)
                let refusal: VerificationReport.Refusal? = tensor.withElements(as: UInt32.self) { found in
                    for index in found.indices where found[index] != all[place + index] {
                        let cell = Cell(row: index / columns, column: index % columns)
                        return VerificationReport.Refusal(tensor, cell, expected: UInt64(all[place + index]), found: UInt64(found[index]))
                    }
                    return nil
                }
                if let refusal { return refusal }
                place += tensor.descriptor.elementCount
            }
            return nil
        }
    }

    private func state(_ checkpoints: Tensor, _ index: Int) -> [Float] {
        checkpoints.withElements(as: Float.self) { all in (0..<plan.stateCount).map { all[index * plan.stateCount + $0] } }
    }

    /// Runs one segment and gives the first number that is wrong: a loss, or one of the state at its end.
    private func check(
        _ segment: Int, _ begin: [Float], _ data: TrainingData, _ losses: Tensor, _ checkpoints: Tensor, _ engine: any NeuralEngine,
        _ effort: inout VerificationReport.Effort
    ) throws(Problem) -> VerificationReport.Refusal? {
        let steps = plan.steps(of: segment)
        var state = begin
        let stretch = try engine.train(plan, data, steps: steps, state: &state, control: .none)
        guard stretch.divergedAt != nil || stretch.losses.count == steps.count else {
            throw Problem(.internalError, "a verifier pass gave \(stretch.losses.count) losses, not \(steps.count)")
        }
        effort.cells += steps.count + plan.stateCount
        let sound = stretch.divergedAt.map { $0 - steps.lowerBound } ?? steps.count
        let wrongLoss: VerificationReport.Refusal? = losses.withElements(as: UInt32.self) { found in
            for index in 0..<min(sound + 1, steps.count) {
                let expected = index < sound ? stretch.losses[index].bitPattern : 0x7fc0_0000
                guard found[steps.lowerBound + index] != expected else { continue }
                let cell = Cell(row: 0, column: steps.lowerBound + index)
                return VerificationReport.Refusal(losses, cell, expected: UInt64(expected), found: UInt64(found[steps.lowerBound + index]))
            }
            return nil
        }
        if let wrongLoss { return wrongLoss }
        return checkpoints.withElements(as: UInt32.self) { found in
            for place in 0..<plan.stateCount where found[segment * plan.stateCount + place] != state[place].bitPattern {
                let bits = found[segment * plan.stateCount + place]
                return VerificationReport.Refusal(
                    checkpoints, Cell(row: segment, column: place), expected: UInt64(state[place].bitPattern), found: UInt64(bits))
            }
            return nil
        }
    }
}
