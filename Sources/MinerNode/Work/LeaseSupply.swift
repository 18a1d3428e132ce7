import ChainClient
import Jobs
import Operations
import Wire

/// Where leases come from, and go back to while they have not begun.
struct LeaseSupply: Sendable {
    let coordinator: CoordinatorClient
    let intake: LeaseIntake
    let board: StatusBoard
    let events: EventSink
    let permit: WorkPermit
    let limits: LiveLimits
    let challenges: ChallengeDesk

    /// One call for work, after a look at what is held where that is in doubt. False if there was nothing.
    func bring(waitSeconds: Int) async throws(Problem) -> Bool {
        if intake.takeDoubt() {
            do throws(Problem) {
                let held = try await coordinator.heldLeases()
                intake.add(held)
                if !held.isEmpty { return true }
            } catch {
                intake.doubt()
                throw error
            }
        }
        do throws(Problem) {
            let answer = try await coordinator.ask(LeaseRequest(max: max(1, intake.places), waitSeconds: waitSeconds, wishes: limits.now.wishes))
            intake.add(answer.leases)
            if let challenge = answer.challenge {
                await challenges.answer(challenge)
                // Something came: the next call follows at once.
                return true
            }
            let first = answer.noWork?.obstacles.first
            board.note(noWork: answer.leases.isEmpty ? first.map { ($0.reason, $0.detail) } : nil)
            return !answer.leases.isEmpty
        } catch {
            // The answer may have been on its way.
            if error.isTransient { intake.doubt() }
            throw error
        }
    }

    /// Heartbeats for leases that wait for their turn, until the task is canceled.
    ///
    /// - Parameter holding: after so long a pause they go back.
    func keepAlive(holding limit: Duration) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            if let held = permit.heldFor(), held > limit { await giveBack(intake.takeAll(), "paused", patience: .seconds(3)) }
            for lease in intake.due() {
                do throws(Problem) {
                    if try await coordinator.heartbeat(lease.id, fence: lease.fence, progress: 0).canceled { intake.drop(lease.id) }
                } catch {
                    switch error.code {
                    case .leaseExpired, .unknownLease, .staleFence, .leaseTaken, .canceled: intake.drop(lease.id)
                    default: break
                    }
                }
            }
        }
    }

    /// Gives back what has not begun, all at once: the miner is about to stop.
    func giveAllBack(within patience: Duration) async {
        await giveBack(intake.close(), "not begun", patience: patience)
    }

    private func giveBack(_ leases: [Lease], _ why: String, patience: Duration) async {
        // Tasks of their own: the messages have to go out although this one is canceled.
        let messages = leases.map { lease in
            let failure = LeaseFailure(fence: lease.fence, reason: .shuttingDown, detail: why)
            return Task { try? await coordinator.fail(lease.id, failure, patience: patience) }
        }
        for message in messages { await message.value }
    }
}
