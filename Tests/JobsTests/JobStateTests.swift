@testable import Jobs
import Ledger
import Signing
import Testing
import Wire

@Suite("A job's life")
struct JobStateTests {
    private let policy = JobPolicy(maxFailedChecks: 2, maxRestSeconds: 8)
    private let payment = JobPayment(tx: .zero, height: 4)

    private func grant(_ fence: Int64, _ worker: UInt8, deadline: Int64 = 100, limit: Int64 = 1000) throws -> LeaseGrant {
        LeaseGrant(
            id: "lease_\(fence)", worker: try Samples.key(worker).address, fence: fence, nonce: String(repeating: "a", count: 32), grantedAt: 0,
            deadline: deadline, limit: limit)
    }

    /// A job that was paid and then went through `events` at time 0.
    private func job(_ events: JobEvent...) throws -> JobState {
        var state = JobState()
        _ = try state.apply(.paid(payment), now: 0, policy: policy)
        for event in events { _ = try state.apply(event, now: 0, policy: policy) }
        return state
    }

    @Test func theStraightRoad() throws {
        var state = JobState()
        #expect(try state.apply(.paid(payment), now: 0, policy: policy) == [.offer])
        let lease = try grant(1, 1)
        #expect(try state.apply(.granted(lease), now: 0, policy: policy) == [])
        #expect(try state.apply(.committed(lease: "lease_1", fence: 1), now: 50, policy: policy) == [.verify(lease)])
        #expect(try state.apply(.checkPassed(lease: "lease_1"), now: 5000, policy: policy) == [])
        #expect(state.phase == .completed(lease))
        #expect(try state.apply(.claimed(height: 9), now: 0, policy: policy) == [])
        #expect(state.claimHeight == 9)
    }

    @Test func aPaymentCountsOnce() throws {
        var state = try job(.granted(try grant(1, 1)))
        let before = state
        #expect(try state.apply(.paid(JobPayment(tx: .zero, height: 7)), now: 0, policy: policy) == [])
        #expect(state == before)
    }

    @Test func anExpiredLeaseIsQueuedAgain() throws {
        let lease = try grant(1, 1)
        var state = try job(.granted(lease))
        #expect(try state.apply(.tick, now: 100, policy: policy) == [])
        #expect(try state.apply(.tick, now: 101, policy: policy) == [.end(lease, .leaseExpired), .offer])
        #expect(state.phase == .queued)
        #expect(code { _ = try state.apply(.committed(lease: "lease_1", fence: 1), now: 102, policy: policy) } == .leaseExpired)
        #expect(!state.canLease(to: lease.worker, now: 2100) && state.canLease(to: lease.worker, now: 2101))
    }

    @Test func aResumedLeaseGetsTimeUpToItsLimit() throws {
        var state = try job(.granted(try grant(1, 1, deadline: 100, limit: 150)))
        #expect(try state.apply(.resumed(until: 130), now: 120, policy: policy) == [])
        #expect(state.phase.lease?.deadline == 130)
        _ = try state.apply(.resumed(until: 200), now: 140, policy: policy)
        #expect(state.phase.lease?.deadline == 150)
        var queued = try job()
        let before = queued
        #expect(try queued.apply(.resumed(until: 200), now: 140, policy: policy) == [])
        #expect(queued == before)
    }

    @Test func aLateCommitmentIsRefusedEvenBeforeTheTick() throws {
        var state = try job(.granted(try grant(1, 1)))
        #expect(code { _ = try state.apply(.committed(lease: "lease_1", fence: 1), now: 101, policy: policy) } == .leaseExpired)
    }

    @Test func heartbeatsExtendUpToTheLimit() throws {
        var state = try job(.granted(try grant(1, 1, deadline: 100, limit: 150)))
        _ = try state.apply(.heartbeat(lease: "lease_1", fence: 1, until: 140), now: 60, policy: policy)
        #expect(state.phase.lease?.deadline == 140)
        _ = try state.apply(.heartbeat(lease: "lease_1", fence: 1, until: 190), now: 130, policy: policy)
        #expect(state.phase.lease?.deadline == 150)
        _ = try state.apply(.heartbeat(lease: "lease_1", fence: 1, until: 120), now: 140, policy: policy)
        #expect(state.phase.lease?.deadline == 150)
        #expect(code { _ = try state.apply(.heartbeat(lease: "lease_1", fence: 1, until: 400), now: 151, policy: policy) } == .leaseExpired)
    }

    @Test func fencesRiseAndStaleOnesAreRefused() throws {
        var state = try job(.granted(try grant(1, 1)), .returned(lease: "lease_1", fence: 1, .shuttingDown))
        #expect(code { _ = try state.apply(.granted(try grant(1, 1)), now: 2000, policy: policy) } == .staleFence)
        #expect(code { _ = try state.apply(.granted(try grant(2, 1)), now: 0, policy: policy) } == .leaseTaken)
        _ = try state.apply(.granted(try grant(2, 1, deadline: 3000, limit: 9000)), now: 2000, policy: policy)
        #expect(code { _ = try state.apply(.heartbeat(lease: "lease_2", fence: 1, until: 9), now: 0, policy: policy) } == .staleFence)
        #expect(code { _ = try state.apply(.committed(lease: "lease_1", fence: 1), now: 0, policy: policy) } == .leaseExpired)
        #expect(code { _ = try state.apply(.granted(try grant(3, 2)), now: 0, policy: policy) } == .leaseTaken)
    }

    @Test func oneCommitmentALease() throws {
        var state = try job(.granted(try grant(1, 1)), .committed(lease: "lease_1", fence: 1))
        #expect(code { _ = try state.apply(.committed(lease: "lease_1", fence: 1), now: 0, policy: policy) } == .leaseTaken)
        // The check's time is the coordinator's own: the lease does not expire meanwhile.
        #expect(try state.apply(.tick, now: 1_000_000, policy: policy) == [])
    }

    @Test func aFailedCheckExcludesItsWorkerAndIsBounded() throws {
        let first = try grant(1, 1)
        var state = try job(.granted(first), .committed(lease: "lease_1", fence: 1))
        #expect(try state.apply(.checkFailed(lease: "lease_1"), now: 0, policy: policy) == [.end(first, .verificationFailed), .offer])
        #expect(!state.canLease(to: first.worker, now: .max))
        #expect(code { _ = try state.apply(.granted(try grant(2, 1)), now: 0, policy: policy) } == .verificationFailed)
        let second = try grant(2, 2)
        _ = try state.apply(.granted(second), now: 0, policy: policy)
        _ = try state.apply(.committed(lease: "lease_2", fence: 2), now: 0, policy: policy)
        #expect(
            try state.apply(.checkFailed(lease: "lease_2"), now: 0, policy: policy) == [
                .end(second, .verificationFailed), .giveUp(.attemptsExhausted), .refund,
            ])
        #expect(state.phase == .failed(.attemptsExhausted))
        #expect(state.phase.isFinal)
    }

    @Test func returnedJobsRestAndStayOwed() throws {
        let worker = try Samples.key(1).address
        var state = try job()
        var now: Int64 = 0
        for (fence, rest) in zip(Int64(1)..., [2000, 4000, 8000, 8000] as [Int64]) {
            _ = try state.apply(.granted(try grant(fence, 1, deadline: now + 100, limit: now + 100)), now: now, policy: policy)
            let over = try state.apply(.returned(lease: "lease_\(fence)", fence: fence, .outOfMemory), now: now, policy: policy)
            #expect(over.last == .offer && state.returns == Int(fence))
            #expect(!state.canLease(to: worker, now: now + rest - 1))
            now += rest
            #expect(state.canLease(to: worker, now: now))
        }
        for returns in 5..<100 { #expect(JobPolicy().rest(after: returns) <= 300_000) }
    }

    @Test func onlyAWorkerThatCannotIsExcluded() throws {
        var state = try job(.granted(try grant(1, 1)))
        _ = try state.apply(.returned(lease: "lease_1", fence: 1, .unsupportedKernel), now: 0, policy: policy)
        let (first, second) = (try Samples.key(1).address, try Samples.key(2).address)
        #expect(!state.canLease(to: first, now: .max) && state.canLease(to: second, now: .max))
    }

    @Test func workWithoutAnAnswerEndsWhenTwoWorkersSaySoOrNobodyElseCanBeAsked() throws {
        let lease = try grant(1, 1)
        var alone = try job(.granted(lease))
        let said = JobEvent.uncomputable(lease: "lease_1", fence: 1, "singular", othersCould: false)
        #expect(try alone.apply(said, now: 0, policy: policy) == [.end(lease, .uncomputable), .giveUp(.uncomputable), .refund])
        #expect(alone.phase == .failed(.uncomputable) && alone.detail == "singular")

        var state = try job(.granted(lease))
        _ = try state.apply(.uncomputable(lease: "lease_1", fence: 1, "singular", othersCould: true), now: 0, policy: policy)
        let (first, other) = (try Samples.key(1).address, try Samples.key(2).address)
        #expect(state.phase == .queued && !state.canLease(to: first, now: .max))
        #expect(state.canLease(to: other, now: 2000))
        let second = try grant(2, 2, deadline: 9000, limit: 9000)
        _ = try state.apply(.granted(second), now: 2000, policy: policy)
        let end = try state.apply(.uncomputable(lease: "lease_2", fence: 2, "too", othersCould: true), now: 2000, policy: policy)
        #expect(end == [.end(second, .uncomputable), .giveUp(.uncomputable), .refund])
        #expect(try JobState(json: JSON.parse(state.json.canonicalBytes)) == state)
    }

    @Test func aJobWithoutTimeIsGivenUpUnlessItIsHeld() throws {
        var state = try job()
        #expect(try state.apply(.refundNear, now: 0, policy: policy) == [.giveUp(.notEnoughTime), .refund])
        #expect(state.phase == .failed(.notEnoughTime))
        var held = try job(.granted(try grant(1, 1)))
        #expect(try held.apply(.refundNear, now: 0, policy: policy) == [])
    }

    @Test func aCheckThatCouldNotBeMadeBlamesNobody() throws {
        let lease = try grant(1, 1)
        var state = try job(.granted(lease), .committed(lease: "lease_1", fence: 1))
        #expect(try state.apply(.checkUnavailable(lease: "lease_1"), now: 0, policy: policy) == [.end(lease, .checkUnavailable), .offer])
        #expect(state.canLease(to: lease.worker, now: 2000))
        #expect(state.failedChecks == 0)
    }

    @Test func aCanceledJobsPaymentGoesBack() throws {
        var state = JobState()
        #expect(try state.apply(.canceled, now: 0, policy: policy) == [.giveUp(.canceled)])
        #expect(try state.apply(.canceled, now: 0, policy: policy) == [])
        #expect(try state.apply(.paid(payment), now: 0, policy: policy) == [.refund])
        #expect(state.phase == .canceled && state.payment == payment)
        var queued = try job()
        #expect(try queued.apply(.canceled, now: 0, policy: policy) == [.giveUp(.canceled), .refund])
        let lease = try grant(1, 1)
        var leased = try job(.granted(lease))
        #expect(try leased.apply(.canceled, now: 0, policy: policy) == [.end(lease, .canceled), .giveUp(.canceled), .refund])
        #expect(code { _ = try leased.apply(.committed(lease: "lease_1", fence: 1), now: 0, policy: policy) } == .canceled)
    }

    @Test func committedAndAcceptedWorkIsNotCanceled() throws {
        let lease = try grant(1, 1)
        let commit = JobEvent.committed(lease: "lease_1", fence: 1)
        for events in [[commit], [commit, .checkPassed(lease: "lease_1")]] {
            var state = try job(.granted(lease))
            for event in events { _ = try state.apply(event, now: 0, policy: policy) }
            let before = state
            #expect(code { _ = try state.apply(.canceled, now: 0, policy: policy) } == .notReady)
            #expect(state == before)
        }
    }

    @Test func quotesExpireUnlessPaid() throws {
        var state = JobState()
        #expect(try state.apply(.quoteExpired, now: 0, policy: policy) == [.giveUp(.quoteExpired)])
        var paid = try job()
        #expect(try paid.apply(.quoteExpired, now: 0, policy: policy) == [])
        #expect(paid.phase == .queued)
    }

    @Test func claimsComeAfterTheSignature() throws {
        var state = try job(.granted(try grant(1, 1)))
        #expect(code { _ = try state.apply(.claimed(height: 9), now: 0, policy: policy) } == .notReady)
    }

    @Test func everyStateReadsBackAndIsTakenUpAgain() throws {
        let lease = try grant(1, 1)
        let commit = JobEvent.committed(lease: "lease_1", fence: 1)
        let states: [(JobState, [JobDirective])] = [
            (JobState(), []), (try job(), [.offer]), (try job(.granted(lease)), []), (try job(.granted(lease), commit), [.verify(lease)]),
            (try job(.granted(lease), commit, .checkPassed(lease: "lease_1")), []),
            (try job(.granted(lease), commit, .checkFailed(lease: "lease_1")), [.offer]),
            (try job(.granted(lease), commit, .checkPassed(lease: "lease_1"), .claimed(height: 3)), []),
        ]
        for (state, resumption) in states {
            #expect(try JobState(json: JSON.parse(state.json.canonicalBytes)) == state)
            #expect(state.resumption == resumption)
        }
    }

    /// Any sequence of events leaves a state that reads back, never more than one lease, and refusals that change nothing.
    @Test func randomEventsKeepTheInvariants() throws {
        var random = SplitMix(seed: 7)
        let workers = try (1...3).map { try Samples.key($0).address }
        for _ in 0..<200 {
            var state = JobState()
            var now: Int64 = 0
            for _ in 0..<40 {
                now += Int64(random.next(random.next(4) == 0 ? 4000 : 40))
                let id = state.phase.lease?.id ?? "lease_\(state.fence)"
                let events: [JobEvent] = [
                    .paid(payment), .quoteExpired, .tick, .canceled, .claimed(height: 5), .checkPassed(lease: id), .checkFailed(lease: id),
                    .checkUnavailable(lease: id), .committed(lease: id, fence: state.fence), .heartbeat(lease: id, fence: state.fence, until: now + 50),
                    .returned(lease: id, fence: state.fence, .overheated), .uncomputable(lease: id, fence: state.fence, "x", othersCould: now % 2 == 0),
                    .resumed(until: now + 60), .refundNear,
                    .granted(
                        LeaseGrant(
                            id: "lease_\(state.fence + 1)", worker: workers[random.next(3)], fence: state.fence + 1, nonce: String(repeating: "a", count: 32),
                            grantedAt: now, deadline: now + 50, limit: now + 500)),
                ]
                let before = state
                do {
                    _ = try state.apply(events[random.next(events.count)], now: now, policy: policy)
                } catch {
                    #expect(state == before)
                }
                #expect(state.fence >= before.fence)
                #expect(state.failedChecks <= policy.maxFailedChecks && state.notBefore <= now + 8000)
                if before.payment != nil { #expect(state.payment == before.payment) }
                if state.phase.lease != nil { #expect(state.payment != nil) }
                #expect(try JobState(json: state.json) == state)
            }
        }
    }
}

/// splitmix64, so that a failing sequence can be had again.
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
