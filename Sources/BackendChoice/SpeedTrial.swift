import Kernels
import Wire

/// One work that members run in turns, so that a noisy neighbour meets them all; each one's best time counts.
struct SpeedTrial {
    let operations: Int64
    /// Whether a member can do it: a smaller work of a class may be too small for one.
    let isAble: (any ComputeBackend) -> Bool
    let run: (any ComputeBackend, RunControl) throws(Problem) -> Void

    private static let rounds = 3
    /// More rounds for those that are near the best after these: a process's luck with memory and a neighbour are worth more than what sets them apart.
    private static let finals = 4
    static let near = 1.15
    /// None of them begins later than this: on a slow machine, where runs are long, a job that waits for the choice is worth more than a tenth.
    private static let finalsEnd = Duration.seconds(1)
    /// Runs are repeated until so much time is over, so that the clock can tell them apart.
    private static let shortest = Duration.microseconds(1_500)
    /// A member that takes this many times as long as the best one isn't tried again.
    static let hopeless = 1.6

    /// Operations per second of each member; 0 for one that fails or can't.
    ///
    /// - Throws: `canceled`.
    func speeds(_ members: [any ComputeBackend], _ control: RunControl) throws(Problem) -> [String: Double] {
        let able = members.filter(isAble)
        var speeds = try Self.speeds(able, operations, control, run)
        for member in members where speeds[member.name] == nil { speeds[member.name] = 0 }
        return speeds
    }

    /// The same of members that are all able.
    static func speeds(
        _ members: [any ComputeBackend], _ operations: Int64, _ control: RunControl, _ run: (any ComputeBackend, RunControl) throws(Problem) -> Void
    ) throws(Problem) -> [String: Double] {
        let begin = ContinuousClock.now
        var best: [String: Duration] = [:]
        var failed: Set<String> = []
        for round in 0..<Self.rounds + Self.finals {
            let fastest = best.values.min() ?? .seconds(3600)
            let hopeless = round < Self.rounds ? Self.hopeless : Self.near
            let inRound = members.filter { !failed.contains($0.name) && (best[$0.name] ?? .zero) <= fastest * hopeless }
            if round >= Self.rounds, inRound.count < 2 || .now - begin > Self.finalsEnd { break }
            for member in inRound {
                do throws(Problem) {
                    // Makes plans, warms caches, and outlasts the threads that the library before still keeps spinning.
                    try run(member, control.silent)
                    if round == 0 { try run(member, control.silent) }
                    best[member.name] = min(best[member.name] ?? .seconds(3600), try once(member, control, run))
                } catch {
                    if error.code == .canceled { throw error }
                    failed.insert(member.name)
                }
            }
        }
        var speeds: [String: Double] = [:]
        for member in members { speeds[member.name] = best[member.name].map { Self.speed(operations, $0) } ?? 0 }
        for name in failed { speeds[name] = 0 }
        return speeds
    }

    private static func once(
        _ member: any ComputeBackend, _ control: RunControl, _ run: (any ComputeBackend, RunControl) throws(Problem) -> Void
    ) throws(Problem) -> Duration {
        var runs = 0
        let (start, before) = (ContinuousClock.now, control.timeApart)
        var took = Duration.zero
        repeat {
            try run(member, control.silent)
            runs += 1
            took = ContinuousClock.now - start - (control.timeApart - before)
        } while took < Self.shortest
        return took / runs
    }

    /// How long it takes, without the time in which it stood still.
    static func time(_ control: RunControl, _ body: () throws(Problem) -> Void) throws(Problem) -> Duration {
        let (start, before) = (ContinuousClock.now, control.timeApart)
        try body()
        return ContinuousClock.now - start - (control.timeApart - before)
    }

    /// At least 1, since 0 means that a member failed.
    static func speed(_ operations: Int64, _ time: Duration) -> Double { max(1, Double(operations) / max(time / .seconds(1), 1e-9)) }
}
