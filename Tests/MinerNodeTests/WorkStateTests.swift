import ChainClient
import Foundation
import Jobs
import Operations
import Signing
import Testing
import Wire

@testable import MinerNode

@Suite("What a miner does, and why no more") struct WorkStateTests {
    /// A coordinator that is away, at every stage.
    private static func facts(_ stage: StatusBoard.Stage, _ mode: MinerControl.Mode, permitted: WorkPermit.Halt? = nil) -> WorkState.Facts {
        WorkState.Facts(
            stage: stage, mode: mode, permitted: permitted, leases: 0, isComputing: false, asking: Problem(.transportFailed, "connection refused"), noWork: nil,
            isSetBack: true, isFull: false, throttle: nil)
    }

    @Test("The operator's order is the reason, whatever else is wrong", arguments: [MinerControl.Mode.paused, .draining]) func order(mode: MinerControl.Mode) {
        for stage in [StatusBoard.Stage.starting, .testing, .profiling, .registering, .ready] {
            // The permit doesn't know of it yet; it does; the devices and the hour have something to say as well.
            let halts = [nil, mode.reason.map { WorkPermit.Halt(reason: $0, holds: mode == .paused) }, WorkPermit.Halt(reason: .outsideSchedule, holds: false)]
            for halt in halts { #expect(WorkState(Self.facts(stage, mode, permitted: halt)).reason == mode.reason, "\(stage)") }
        }
        #expect(WorkState(Self.facts(.stopping, mode)).reason == .stopping)
        #expect(WorkState(Self.facts(.ready, mode)).word == (mode == .paused ? .paused : .draining))
    }

    @Test("An order that was taken back is no reason any more") func resumed() {
        for reason in [WorkReason.pausedByOperator, .draining] {
            let stale = WorkPermit.Halt(reason: reason, holds: true)
            #expect(WorkState(Self.facts(.registering, .working, permitted: stale)).reason == .coordinatorUnreachable)
            #expect(WorkState(Self.facts(.ready, .working, permitted: stale)).reason == .afterFailure)
        }
        let hour = WorkPermit.Halt(reason: .outsideSchedule, holds: false)
        #expect(WorkState(Self.facts(.ready, .working, permitted: hour)).reason == .outsideSchedule)
    }

    @Test("The board shows an order from the moment that it is given, before the permit follows it") func board() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-board-\(UUID().uuidString)").path
        let configuration = MinerConfiguration(
            coordinator: try BaseURL("http://127.0.0.1:1"), node: try BaseURL("http://127.0.0.1:1"), chain: try ChainID("ait-test-1"), key: try .generate(),
            dataDirectory: folder, backends: [])
        let (permit, control) = (WorkPermit(), try MinerControl(folder: nil))
        let limits = LiveLimits(OperatorLimits(), usualMemory: 1 << 30, mostMemory: 1 << 30)
        let board = StatusBoard(
            configuration,
            StatusBoard.Views(
                devices: DevicePool([]), permit: permit, setback: Setback(configuration.pauses), control: control, limits: limits,
                intake: LeaseIntake(permit, limits), feed: EventFeed(), downloads: DownloadMeter()))
        board.stage = .ready
        board.note(asking: Problem(.transportFailed, "connection refused"))
        #expect(board.work.reason == .coordinatorUnreachable)
        try await control.pause()
        #expect(board.work == WorkState(.paused, .pausedByOperator))
        try await control.drain()
        #expect(board.work == WorkState(.draining, .draining))
        try await control.resume()
        #expect(board.work.reason == .coordinatorUnreachable)
    }
}
