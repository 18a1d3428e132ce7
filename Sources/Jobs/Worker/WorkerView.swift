package import Wire

/// What a coordinator has seen a worker do: the F32 rate that its last challenge showed, and that of its verified work.
///
/// Both are lower bounds, taken with the coordinator's own clock. They age: a challenge counts for a week; work is forgotten by halves, one a
/// day, and what is left of the most that is remembered is too little after a week as well.
package struct WorkerView: Sendable, Equatable {
    /// How a challenge ended.
    package enum Verdict: String, CaseIterable, Sendable {
        case passed
        /// The root came when it could show nothing any more, or never.
        case late
        case noAnswer = "no_answer"
        /// C did not follow its root.
        case noOutput = "no_output"
        /// C is not the product.
        case wrong
    }

    /// Of the last challenge; nil before one.
    package private(set) var verdict: Verdict?
    /// Unix milliseconds; 0 before one.
    package private(set) var challengedAt: Int64 = 0
    /// In F32 operations per second; 0 unless it passed.
    package private(set) var challengeRate: Int64 = 0
    /// Challenges in a row that did not show what was claimed.
    package private(set) var failures = 0
    /// When the next one is due, in Unix milliseconds; 0: at once.
    package private(set) var dueAt: Int64 = 0
    /// Compute units of verified products, and the milliseconds that they took from lease to commitment; both halved with every day.
    package private(set) var workUnits: Int64 = 0
    package private(set) var workMilliseconds: Int64 = 0
    /// Up to when they are halved.
    package private(set) var workAt: Int64 = 0

    /// A day: what a machine does now counts more than what it did last week, and a night's pause takes little away.
    package static let halfLifeMilliseconds: Int64 = 86_400_000
    /// Less work than this shows nothing; of the most that is remembered, seven halvings leave as much.
    package static let leastWorkMilliseconds: Int64 = 5_000
    package static let mostWorkMilliseconds = leastWorkMilliseconds << 7

    package init() {}

    // MARK: challenges

    /// - Parameters:
    ///   - rate: what the root's time shows; counts only where the challenge was passed.
    ///   - isEnough: whether that is what the worker claims.
    ///   - jitter: 0…1, drawn by chance.
    package mutating func challenged(_ verdict: Verdict, rate: Int64, isEnough: Bool, now: Int64, jitter: Double, _ rules: ChallengeRules) {
        self.verdict = verdict
        challengedAt = now
        challengeRate = verdict == .passed ? max(0, rate) : 0
        if verdict == .passed, isEnough {
            failures = 0
            dueAt = now + rules.renewalMilliseconds / 2 + Int64(Double(rules.renewalMilliseconds) * min(max(jitter, 0), 1))
        } else {
            failures = min(failures + 1, 1000)
            var pause = rules.retryMilliseconds
            for _ in 1..<failures where pause < rules.renewalMilliseconds { pause *= 4 }
            dueAt = now + min(pause, rules.renewalMilliseconds)
        }
    }

    /// Others of its payout address were challenged, and it neither worked nor asked for work: what it showed before may have been shown with
    /// their machine.
    package mutating func missedChallenge() { (verdict, challengedAt, challengeRate, dueAt) = (nil, 0, 0, 0) }

    /// It claims more than before: that is looked at when the next round may be.
    package mutating func claimsMore() { dueAt = 0 }

    /// Whether the worker has shown nothing that counts: it is challenged before it gets work.
    package func isUnknown(now: Int64, _ rules: ChallengeRules) -> Bool { verdict == nil || now - challengedAt >= rules.lapseMilliseconds }

    // MARK: work

    /// A verified job.
    ///
    /// - Parameter elapsed: milliseconds from its lease to its commitment, by the coordinator's clock: more than the computation took.
    package mutating func worked(units: Int64, elapsed: Int64, now: Int64, _ rules: ChallengeRules) {
        guard units >= rules.leastWorkUnits, elapsed > 0 else { return }
        age(to: now)
        if workMilliseconds == 0 { workAt = now }
        let (time, work) = (
            min(elapsed, Self.mostWorkMilliseconds),
            elapsed > Self.mostWorkMilliseconds ? scaled(units, by: Double(Self.mostWorkMilliseconds) / Double(elapsed)) : units
        )
        workMilliseconds += time
        workUnits = min(workUnits, JSON.maxInteger - min(work, JSON.maxInteger)) + min(work, JSON.maxInteger)
        guard workMilliseconds > Self.mostWorkMilliseconds else { return }
        workUnits = scaled(workUnits, by: Double(Self.mostWorkMilliseconds) / Double(workMilliseconds))
        workMilliseconds = Self.mostWorkMilliseconds
    }

    /// Steps of a 64th of a half-life: smaller ones would be lost in rounding.
    private mutating func age(to now: Int64) {
        guard now - workAt >= Self.halfLifeMilliseconds / 64 else { return }
        let share = Self.remaining(now - workAt)
        (workUnits, workMilliseconds, workAt) = (scaled(workUnits, by: share), scaled(workMilliseconds, by: share), now)
    }

    private func scaled(_ value: Int64, by share: Double) -> Int64 { Int64((Double(value) * share).rounded()) }

    /// 2^(−t / half-life).
    private static func remaining(_ milliseconds: Int64) -> Double {
        let halvings = Double(max(0, milliseconds)) / Double(halfLifeMilliseconds)
        guard halvings < 63 else { return 0 }
        let whole = Int64(1) << Int64(halvings)
        // Straight lines between the halvings: within 6 %, and no library's exponential.
        return (1 - (halvings - halvings.rounded(.down)) / 2) / Double(whole)
    }

    /// F32 operations per second that verified work shows; nil where there is too little of it.
    package func workRate(now: Int64) -> Int64? {
        guard Double(workMilliseconds) * Self.remaining(now - workAt) >= Double(Self.leastWorkMilliseconds) else { return nil }
        return Int64(min(Double(workUnits) * 1e9 / Double(workMilliseconds), Double(JSON.maxInteger)))
    }

    /// What counts: the larger of both, as far as they are not too old; 0 where nothing was shown.
    package func provenRate(now: Int64, _ rules: ChallengeRules) -> Int64 {
        max(isUnknown(now: now, rules) ? 0 : challengeRate, workRate(now: now) ?? 0)
    }
}

extension WorkerView {
    /// Reads what `json` wrote.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "view")
        if let name = try fields.optionalString("verdict", maxBytes: 32) {
            guard let known = Verdict(rawValue: name) else { throw Problem(.outOfRange, "not a verdict of a challenge") }
            verdict = known
        }
        challengedAt = try fields.integer("challengedMs")
        challengeRate = try fields.integer("challengeFlopsPerSecond")
        failures = Int(try fields.integer("failures", in: 0...1000))
        dueAt = try fields.integer("dueMs")
        workUnits = try fields.integer("workUnits")
        workMilliseconds = try fields.integer("workMs", in: 0...Self.mostWorkMilliseconds)
        workAt = try fields.integer("workAtMs")
    }

    package var json: JSON {
        .members([
            ("verdict", verdict.map { .string($0.rawValue) }), ("challengedMs", .integer(challengedAt)), ("challengeFlopsPerSecond", .integer(challengeRate)),
            ("failures", .integer(Int64(failures))), ("dueMs", .integer(dueAt)), ("workUnits", .integer(workUnits)), ("workMs", .integer(workMilliseconds)),
            ("workAtMs", .integer(workAt)),
        ])
    }
}
