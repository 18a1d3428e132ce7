package import Wire

/// Why a miner has no work, is paused, is slowed down, is refused or unpaid, or leaves a device alone: one closed list, the same words on miner
/// and coordinator. "Idle" without one of these is a defect.
///
/// Why one job did not succeed is another list, `Reason`; why one message was refused is `ProblemCode`.
package enum WorkReason: String, CaseIterable, Sendable {
    // No work.
    case starting
    case noJobs = "no_jobs"
    case noFittingJob = "no_fitting_job"
    case tierTooLow = "tier_too_low"
    case memoryTooSmall = "memory_too_small"
    case noSuchDevice = "no_such_device"
    case kernelNotAllowed = "kernel_not_allowed"
    case belowPriceFloor = "below_price_floor"
    case jobsHeld = "jobs_held"
    case onProbation = "on_probation"
    case workerExcluded = "worker_excluded"
    case afterFailure = "after_failure"
    case coordinatorUnreachable = "coordinator_unreachable"
    case nodeUnreachable = "node_unreachable"
    case wrongChain = "wrong_chain"
    case clockWrong = "clock_wrong"

    // Paused.
    case pausedByOperator = "paused_by_operator"
    case draining
    case outsideSchedule = "outside_schedule"
    case userActive = "user_active"
    case machineBusy = "machine_busy"
    case activityUnknown = "activity_unknown"
    case onBattery = "on_battery"
    case diskLow = "disk_low"
    case memoryPressure = "memory_pressure"
    case noUsableDevice = "no_usable_device"
    case stopping

    // Throttled.
    case temperature
    case power
    case utilisation
    case sensorLost = "sensor_lost"
    case bandwidth

    // Rejected.
    case verificationFailed = "verification_failed"
    case resultTooLate = "result_too_late"
    case resultRefused = "result_refused"

    // Unpaid.
    case awaitingCheck = "awaiting_check"
    case awaitingBlock = "awaiting_block"
    case claimNotSent = "claim_not_sent"
    case mintLimited = "mint_limited"
    case feeNotCovered = "fee_not_covered"
    case claimRefused = "claim_refused"

    // Quarantined.
    case deviceError = "device_error"
    case deviceHangs = "device_hangs"
    case wrongAnswer = "wrong_answer"
    case driverCrashes = "driver_crashes"

    /// What a reason is a reason for.
    package enum Kind: String, CaseIterable, Sendable {
        case noWork = "no_work"
        case paused, throttled, rejected, unpaid, quarantined
    }

    package var kind: Kind {
        switch self {
        case .starting, .noJobs, .noFittingJob, .tierTooLow, .memoryTooSmall, .noSuchDevice, .kernelNotAllowed, .belowPriceFloor, .jobsHeld, .onProbation,
            .workerExcluded, .afterFailure, .coordinatorUnreachable, .nodeUnreachable, .wrongChain, .clockWrong:
            .noWork
        case .pausedByOperator, .draining, .outsideSchedule, .userActive, .machineBusy, .activityUnknown, .onBattery, .diskLow, .memoryPressure,
            .noUsableDevice, .stopping:
            .paused
        case .temperature, .power, .utilisation, .sensorLost, .bandwidth: .throttled
        case .verificationFailed, .resultTooLate, .resultRefused: .rejected
        case .awaitingCheck, .awaitingBlock, .claimNotSent, .mintLimited, .feeNotCovered, .claimRefused: .unpaid
        case .deviceError, .deviceHangs, .wrongAnswer, .driverCrashes: .quarantined
        }
    }

    /// What it means, in a line.
    package var meaning: String {
        switch self {
        case .starting: "devices are tested and measured"
        case .noJobs: "nobody has paid for a job that waits"
        case .noFittingJob: "jobs wait, and none of them fits this worker"
        case .tierTooLow: "the jobs that wait ask for a higher tier"
        case .memoryTooSmall: "the jobs that wait need more memory than this worker offers"
        case .noSuchDevice: "the jobs that wait ask for a device that this worker hasn't got"
        case .kernelNotAllowed: "the jobs that wait are of kernels or number formats that the limits leave out"
        case .belowPriceFloor: "the jobs that wait pay less than the price floor"
        case .jobsHeld: "the worker holds as many leases as it may"
        case .onProbation: "after a failed check only small jobs are given until enough results were right"
        case .workerExcluded: "outputs failed their check; there are no leases for a while"
        case .afterFailure: "a lease failed here; the next one is taken after a pause"
        case .coordinatorUnreachable: "the coordinator does not answer"
        case .nodeUnreachable: "the chain node does not answer"
        case .wrongChain: "the coordinator works for another chain"
        case .clockWrong: "this machine's clock is wrong: signed requests are refused"
        case .pausedByOperator: "paused by hand"
        case .draining: "what is held is finished, nothing new is taken"
        case .outsideSchedule: "the weekly schedule says no at this hour"
        case .userActive: "somebody uses this machine, and idle_only is set"
        case .machineBusy: "other programs use the processor, and idle_only is set"
        case .activityUnknown: "nothing here tells whether anybody uses this machine, and idle_only is set"
        case .onBattery: "the machine runs on its battery"
        case .diskLow: "the disk is full, or the limit for it is reached"
        case .memoryPressure: "the system is short of memory"
        case .noUsableDevice: "every device is quarantined or left out"
        case .stopping: "the miner is being stopped"
        case .temperature: "slowed down to keep the temperature under its target"
        case .power: "slowed down to keep the power under its target"
        case .utilisation: "slowed down to keep utilisation under its target"
        case .sensorLost: "a sensor that a target depends on can't be read; the pace is the careful one"
        case .bandwidth: "transfers are slowed down to their limit"
        case .verificationFailed: "the coordinator's check found the output wrong"
        case .resultTooLate: "the lease was over before its result was handed in"
        case .resultRefused: "the coordinator refused the result"
        case .awaitingCheck: "the coordinator has not checked the output yet"
        case .awaitingBlock: "the claim is sent and no block holds it yet"
        case .claimNotSent: "the node can't be asked, or is not in step"
        case .mintLimited: "the chain's limit for this coordinator's mint is used up for now"
        case .feeNotCovered: "the payout does not cover the claim's fee"
        case .claimRefused: "the chain refused the claim for good"
        case .deviceError: "the device's driver reported an error"
        case .deviceHangs: "the device did not come back in time"
        case .wrongAnswer: "the device computed a known answer wrong"
        case .driverCrashes: "the device's driver crashed when it was loaded"
        }
    }

    /// What an operator can do about it.
    package var remedy: String {
        switch self {
        case .starting: "wait half a minute; adit miner status shows the step"
        case .noJobs: "nothing: work comes when clients pay for it; see the demand with: curl $COORDINATOR_URL/network/state"
        case .noFittingJob: "see what is asked for with: curl $COORDINATOR_URL/network/state; raise a limit that keeps it out: adit config show"
        case .tierTooLow: "see what the next tier wants with: adit miner profile"
        case .memoryTooSmall: "raise the memory limit: adit miner set memory_mb=…"
        case .noSuchDevice: "see which devices were found, and why others were not, with: adit doctor"
        case .kernelNotAllowed: "allow more of them: adit miner set kernels=… dtypes=…"
        case .belowPriceFloor: "lower the floor, adit miner set price_floor=…, or wait for better prices"
        case .jobsHeld: "nothing: the next one comes when one of them ends"
        case .onProbation: "nothing: it ends by itself with right results; test the machine with: adit self-test"
        case .workerExcluded: "test the machine with: adit self-test; the exclusion ends by itself"
        case .afterFailure: "read why in the last event: adit miner status; it goes on by itself"
        case .coordinatorUnreachable: "is COORDINATOR_URL right, and is it up? adit doctor"
        case .nodeUnreachable: "is NODE_URL right, and is it up? adit doctor"
        case .wrongChain: "set CHAIN_ID to the coordinator's chain, or COORDINATOR_URL to another one"
        case .clockWrong: "set the clock: timedatectl set-ntp true"
        case .pausedByOperator: "adit miner resume"
        case .draining: "adit miner resume, to take work again"
        case .outsideSchedule: "wait for the hour, or change it: adit miner set schedule=…"
        case .userActive: "wait, or work beside people: adit miner set idle_only=off"
        case .machineBusy: "wait, or work beside other programs: adit miner set idle_only=off"
        case .activityUnknown: "see what can't be read with: adit doctor; or: adit miner set idle_only=off"
        case .onBattery: "plug it in, or allow it: adit miner set battery=on"
        case .diskLow: "make room on the disk, or raise the limit: adit miner set disk_mb=…"
        case .memoryPressure: "nothing: it goes on when the pressure is over; lower memory_mb if it comes back"
        case .noUsableDevice: "see each device's reason with: adit miner status; then: adit doctor"
        case .stopping: "nothing"
        case .temperature: "nothing, or better cooling, or a higher target: adit miner set temperature=…"
        case .power: "nothing, or a higher target: adit miner set power=…"
        case .utilisation: "nothing, or a higher target: adit miner set utilisation=…"
        case .sensorLost: "adit doctor says which sensor can't be read, and why"
        case .bandwidth: "raise the limit: adit miner set bandwidth_kb=…"
        case .verificationFailed: "test the machine with: adit self-test, and its memory with a memory tester"
        case .resultTooLate: "fewer jobs at once, or a faster line; adit miner receipts shows which step took the time"
        case .resultRefused: "the receipt's line says why: adit miner receipts --phase rejected"
        case .awaitingCheck: "wait; if it stays, ask the coordinator's operator"
        case .awaitingBlock: "wait for a block; if none comes: curl $NODE_URL/rpc/health"
        case .claimNotSent: "is the node up and in step? curl $NODE_URL/rpc/health"
        case .mintLimited: "wait: the claim is sent again when the limit moves on"
        case .feeNotCovered: "nothing for jobs this small; a price floor keeps them away: adit miner set price_floor=…"
        case .claimRefused: "the receipt's line says why: adit miner receipts --phase rejected"
        case .deviceError: "it is tried again by itself; if it comes back, update the driver"
        case .deviceHangs: "it is tried again by itself; if it comes back, lower its clocks or replace it"
        case .wrongAnswer: "it is tried again by itself; lower its clocks, improve its cooling or replace it"
        case .driverCrashes: "install another version of its driver; adit doctor names the ICD file"
        }
    }

    /// Code, kind, meaning and remedy, as APIs give them.
    package var json: JSON {
        ["code": .string(rawValue), "kind": .string(kind.rawValue), "meaning": .string(meaning), "remedy": .string(remedy)]
    }
}
