package import Jobs
package import Wire

/// Whether one device may be used: put aside after an error, a hang or a wrong answer, tried again after growing pauses, trusted in full again after
/// enough right answers. The other devices go on meanwhile.
///
/// Time is monotonic and passed in.
package struct DeviceHealth: Sendable, Equatable {
    /// The figures of the procedure.
    package struct Policy: Sendable, Equatable {
        /// A driver that resets itself needs some seconds; half a minute lets heat go.
        package var firstPause: Duration = .seconds(30)
        /// A device that is broken for good then costs one known answer an hour, and one that was mended by hand is back within an hour.
        package var longestPause: Duration = .seconds(3600)
        /// Right answers in a row before it works again: one after an error or a hang, which show themselves when they come back; three after a
        /// wrong answer, which does not: a device that is wrong every other time is back with chance 1/8 instead of 1/2.
        package var answersAfterError = 1
        package var answersAfterWrong = 3
        /// Right answers while working until earlier failures are forgotten. One that is wrong in a quarter of them gets there with (3/4)^8 = 10 %.
        package var answersForTrust = 8
        /// Time of work between known answers: trusted, at 50 ms an answer, 0.01 % of the time; under watch the 8 take 8 minutes.
        package var everyTrusted: Duration = .seconds(600)
        package var everyWatched: Duration = .seconds(60)

        package init() {}
    }

    package enum State: String, CaseIterable, Sendable {
        /// Works, and has no failure in its record.
        case trusted
        /// Works, with known answers close together.
        case watched
        /// Does not work.
        case quarantined
    }

    package let policy: Policy
    package private(set) var state = State.trusted
    /// Why it was put aside last; nil when all is forgotten.
    package private(set) var reason: WorkReason?
    /// What the device or its driver said, for people.
    package private(set) var detail: String?
    /// Failures that are not forgotten.
    package private(set) var failures = 0
    /// Right known answers in a row since the last failure.
    package private(set) var goodAnswers = 0
    /// When the next known answer is due.
    package private(set) var nextAnswer: Duration

    /// A device that has just passed its self-test.
    package init(policy: Policy = Policy(), at now: Duration = .zero) {
        self.policy = policy
        nextAnswer = now + policy.everyTrusted
    }

    package var mayWork: Bool { state != .quarantined }

    /// Whether a known answer should be computed now: the regular one, or the next try of a device in quarantine.
    package func isAnswerDue(at now: Duration) -> Bool { now >= nextAnswer }

    /// Puts the device aside.
    ///
    /// - Parameter reason: one of the kind `quarantined`.
    package mutating func failed(_ reason: WorkReason, detail: String, at now: Duration) {
        precondition(reason.kind == .quarantined, "a reason for quarantine")
        failures = min(failures + 1, 1 << 20)
        (state, goodAnswers) = (.quarantined, 0)
        (self.reason, self.detail) = (reason, detail)
        nextAnswer = now + pause
    }

    /// 30 s, 60 s, … an hour.
    private var pause: Duration {
        var pause = policy.firstPause
        for _ in 1..<max(failures, 2) where failures > 1 && pause < policy.longestPause { pause = pause * 2 }
        return min(pause, policy.longestPause)
    }

    /// A known answer came out right.
    ///
    /// - Returns: whether the state changed.
    @discardableResult package mutating func answered(at now: Duration) -> Bool {
        goodAnswers = min(goodAnswers + 1, 1 << 20)
        let before = state
        switch state {
        case .trusted: nextAnswer = now + policy.everyTrusted
        case .quarantined:
            let wanted = reason == .wrongAnswer ? policy.answersAfterWrong : policy.answersAfterError
            if goodAnswers >= wanted {
                (state, goodAnswers) = (.watched, 0)
                nextAnswer = now + policy.everyWatched
            } else {
                nextAnswer = now
            }
        case .watched:
            nextAnswer = now + policy.everyWatched
            if goodAnswers >= policy.answersForTrust {
                state = .trusted
                (failures, reason, detail) = (0, nil, nil)
                nextAnswer = now + policy.everyTrusted
            }
        }
        return state != before
    }

    /// For `/status`.
    package func json(at now: Duration) -> JSON {
        var members: [(String, JSON)] = [
            ("state", .string(state.rawValue)), ("failures", .integer(Int64(failures))), ("goodAnswers", .integer(Int64(goodAnswers))),
            ("nextAnswerSeconds", .integer(max(0, (nextAnswer - now).components.seconds))),
        ]
        if let reason { members.append(("reason", reason.json)) }
        if let detail { members.append(("detail", .string(detail))) }
        return .object(JSONObject(distinct: members))
    }
}
