import Kernels
import TestSupport

@testable import Kernels

/// What is promised of a cheat.
enum Promise: Equatable {
    case surely
    /// Caught with this probability: whether the wrong part is drawn decides, nothing else.
    case with(Double)
    /// With this probability, or more.
    case atLeast(Double)
    case nothing

    var probability: Double? {
        switch self {
        case .surely: 1
        case .with(let share), .atLeast(let share): share
        case .nothing: nil
        }
    }

    /// That at least one of `wrong` parts is among `drawn` of `all`.
    static func seen(_ wrong: Int, drawn: Int, of all: Int) -> Double {
        guard wrong > 0 else { return 0 }
        var missed = 1.0
        for part in 0..<drawn { missed *= max(0, Double(all - wrong - part)) / Double(all - part) }
        return 1 - missed
    }
}

/// What a kernel's class says of a wrong output, as docs/VERIFICATION.md derives it.
enum Rule {
    /// Whatever is wrong is found: integers, and what is computed again to the bit.
    case always
    /// 512 cells, and rows that are off by `limit` of their root mean square.
    case bits(limit: Double)
    /// Rows that are off by `limit` of their root mean square.
    case numeric(limit: Double)
    /// Cells that are off by `limit` of all cells' root mean square.
    case cells(limit: Double)
    /// `drawn` rows, which are wrong when off by `limit` of their norm.
    case rows(drawn: Int, limit: Double)
    /// Numbers that belong to segments: a segment for each of its elements, and whether it spoils the next one's start.
    case segments(TrainingPlan, ofStates: Bool)

    /// Twice the size from which a row is found with 99.99 % (docs/VERIFICATION.md, "What a single wrong cell must measure"): X has zero-mean data.
    static func rowLimit(_ arithmetic: Arithmetic, n: Int, k: Int) -> Double {
        let root = (Double(n) * Double(k)).squareRoot()
        return switch arithmetic {
        case .f64, .f64Panel256: 2 * 1.9e-13 * root
        case .bf16F32: 2 * 6.1e-7 * root * (6 + Double(k).squareRoot() / 3) / 6
        default: 2 * 6.1e-7 * root
        }
    }

    /// The rule of a product's output.
    static func product(_ arithmetic: Arithmetic, n: Int, k: Int) -> Rule {
        switch arithmetic {
        case .i32Exact: .always
        case .f32Panel256, .f64Panel256: .bits(limit: rowLimit(arithmetic, n: n, k: k))
        default: .numeric(limit: rowLimit(arithmetic, n: n, k: k))
        }
    }
}

extension CheatedJob {
    /// What is promised of these outputs. Where a product is wrong, what was made of it may be right: then the product's rule counts alone.
    func promise(_ outputs: [Tensor]) -> Promise {
        guard outputs.count == right.count, zip(outputs, right).allSatisfy({ $0.descriptor == $1.descriptor }) else { return .surely }
        var (promises, segments, always): ([Promise], Set<Int>, Bool) = ([], [], false)
        var plan: TrainingPlan?
        for (output, old) in zip(outputs, rows) where output.buffer.bytes != old.bytes {
            let new = Rows(output)
            switch rule(output.name) {
            case .always: always = true
            case .bits(let limit):
                let (wrong, all) = (old.errors(of: new).count, old.values.count)
                let share = Promise.seen(wrong, drawn: min(512, all), of: all)
                promises.append(share >= 1 || old.largestRowError(of: new) >= limit ? .surely : .atLeast(share))
            case .numeric(let limit): promises.append(old.largestRowError(of: new) >= limit ? .surely : .nothing)
            case .cells(let limit):
                let worst = old.errors(of: new).map(\.error).max() ?? 0
                promises.append(worst >= limit * old.rms ? .surely : .nothing)
            case .rows(let drawn, let limit):
                let root = Double(max(old.columns, 1)).squareRoot()
                let wrong = old.rowErrors(of: new).values
                let share = Promise.seen(wrong.count { $0 >= limit * root }, drawn: min(drawn, old.rows), of: old.rows)
                promises.append(share >= 1 || wrong.contains(.infinity) ? .surely : wrong.allSatisfy { $0 >= limit * root } ? .with(share) : .atLeast(share))
            case .segments(let its, let ofStates):
                plan = its
                for (place, error) in old.errors(of: new) {
                    if !ofStates, error == .infinity { promises.append(.surely) }
                    let segment = ofStates ? place / its.stateCount : (0..<its.segments).first { its.steps(of: $0).contains(place) } ?? 0
                    segments.formUnion(ofStates && segment < its.segments - 1 ? [segment, segment + 1] : [segment])
                }
            }
        }
        if let plan { promises.append(Self.promise(segments, plan)) }
        if promises.isEmpty { return always ? .surely : .nothing }
        let best = promises.max { ($0.probability ?? 0) < ($1.probability ?? 0) } ?? .nothing
        return best.probability == 0 ? .nothing : best
    }

    /// Of wrong segments: the first and the last are always run again, of the others q.
    static func promise(_ wrong: Set<Int>, _ plan: TrainingPlan) -> Promise {
        let last = plan.segments - 1
        if wrong.contains(0) || wrong.contains(last) { return .surely }
        let share = Promise.seen(wrong.count, drawn: TrainingVerifier.sampleSize(plan.segments), of: plan.segments - 2)
        return share >= 1 ? .surely : .with(share)
    }
}
