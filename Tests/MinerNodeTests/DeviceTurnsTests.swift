import Jobs
import Kernels
import Operations
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("Turns at the devices") struct DeviceTurnsTests {
    private static func turns(_ speeds: [Double?], cap: Int = .max) -> DeviceTurns {
        DeviceTurns(DevicePool(speeds.enumerated().map { SpeedyBackend(name: "device\($0)", speed: $1) })) { cap }
    }

    /// 64 × 64 × k in I8: 8192·k operations, 128·k + 16384 bytes.
    private static func product(k: Int) throws -> GEMMKernel {
        try GEMMKernel(
            params: [:],
            inputs: [try TensorDescriptor(name: "a", dtype: .i8, shape: [64, k]), try TensorDescriptor(name: "b", dtype: .i8, shape: [k, 64])])
    }

    /// A turn that somebody waits for in a task of its own. Returns once the waiter is in line.
    private static func waiting(_ turns: DeviceTurns, k: Int = 100) async throws -> Task<Result<DeviceTurn, Problem>, Never> {
        let (kernel, before) = (try product(k: k), turns.waiting)
        let task = Task { await Result.of { () async throws(Problem) in try await turns.take(kernel, WorkControl()) } }
        while turns.waiting == before { await Task.yield() }
        return task
    }

    @Test("Each device works at once; the next one waits for the first that is free") func parallel() async throws {
        let turns = Self.turns([1e9, 1e9])
        let kernel = try Self.product(k: 100)
        let first = try await turns.take(kernel, WorkControl())
        let second = try await turns.take(kernel, WorkControl())
        #expect([first, second].map(\.device.name) == ["device0", "device1"])
        #expect(first.speed == 1e9)
        let third = try await Self.waiting(turns)
        turns.leave(second)
        #expect(try await third.value.get().device.name == "device1")
        // Given back twice, nobody else's turn ends.
        turns.leave(second)
        let fourth = try await Self.waiting(turns)
        turns.leave(first)
        #expect(try await fourth.value.get().device.name == "device0")
    }

    @Test("A much slower device is left alone while the fast one is soon free") func slow() async throws {
        let turns = Self.turns([1e12, 1e3])
        let first = try await turns.take(try Self.product(k: 100), WorkControl())
        let second = try await Self.waiting(turns)
        turns.leave(first)
        #expect(try await second.value.get().device.name == "device0")
    }

    @Test("Of work that nobody measured, devices are thought as fast as in products, until their jobs say otherwise") func unknown() async throws {
        // An accelerator and a processor, each with its speed in products alone.
        let turns = Self.turns([1e11, 1e13])
        let kernel = try LayerNormKernel(params: [:], inputs: [TensorDescriptor(name: "x", dtype: .f32, shape: [1_000, 1_000])])
        func next(took: Duration) async throws -> String {
            let turn = try await turns.take(kernel, WorkControl())
            #expect(turn.speed == nil || turn.device.name == "device1")
            turns.note(kernel, turn, took: took)
            turns.leave(turn)
            return turn.device.name
        }
        // The first one had to compile its program; the second one shows that it is the transfer.
        #expect(try await next(took: .seconds(2)) == "device1")
        #expect(try await next(took: .milliseconds(500)) == "device1")
        // Now the processor is thought to be a hundredth of that, and gets a job only when the other one has one.
        let busy = try await turns.take(kernel, WorkControl())
        #expect(busy.device.name == "device1" && busy.speed == Double(kernel.operations) / 0.5)
        turns.leave(busy)
    }

    @Test("Computations of one time have room in memory together, in the order in which they came") func memory() async throws {
        let (small, large) = (try Self.product(k: 100), try Self.product(k: 10_000))
        let turns = Self.turns([1e9, 1e9], cap: large.memoryBytes + small.memoryBytes - 1)
        let first = try await turns.take(large, WorkControl())
        let second = try await Self.waiting(turns, k: 10_000)
        // This one had room, and would put off the one before it for as long as others like it come.
        let third = try await Self.waiting(turns)
        #expect(turns.waiting == 2)
        turns.leave(first)
        let turn = try await second.value.get()
        #expect(turns.waiting == 1)
        turns.leave(turn)
        _ = try await third.value.get()
        // Alone, a job that the limit was lowered under gets its turn, and its own answer there.
        let strict = Self.turns([1e9], cap: 1)
        _ = try await strict.take(large, WorkControl())
    }

    @Test("Who waits for a device that is put aside goes to another one, or hears of it") func aside() async throws {
        let turns = Self.turns([1e12, 1e3])
        let first = try await turns.take(try Self.product(k: 100), WorkControl())
        let (second, third) = (try await Self.waiting(turns), try await Self.waiting(turns))
        turns.devices.all[0].failed(DeviceFailure(.deviceHangs, Problem(.backendUnavailable, "silent")))
        turns.look()
        let moved = try await second.value.get()
        #expect(moved.device.name == "device1")
        turns.devices.all[1].failed(DeviceFailure(.deviceHangs, Problem(.backendUnavailable, "silent")))
        turns.look()
        #expect(await third.value.problem?.code == .backendUnavailable)
        await #expect(throws: Problem.self) { try await turns.take(try Self.product(k: 1), WorkControl()) }
        turns.leave(first)
        turns.leave(moved)
    }

    @Test("Who is canceled leaves the line") func canceled() async throws {
        let turns = Self.turns([1e9])
        let first = try await turns.take(try Self.product(k: 100), WorkControl())
        let (second, third) = (try await Self.waiting(turns), try await Self.waiting(turns))
        second.cancel()
        #expect(await second.value.problem?.code == .canceled)
        turns.leave(first)
        _ = try await third.value.get()
        let kernel = try Self.product(k: 1)
        let canceled = Task {
            while !Task.isCancelled { await Task.yield() }
            return await Result.of { () async throws(Problem) in try await turns.take(kernel, WorkControl()) }.problem?.code
        }
        canceled.cancel()
        #expect(await canceled.value == .canceled)
        #expect(turns.waiting == 0)
    }

    @Test("The next lease is begun for a device that is free or past its half, and not behind a line") func room() async throws {
        let turns = Self.turns([1e9, 1e9, nil])
        let room = LeaseRoom(turns, prefetch: 1)
        var controls: [WorkControl] = []
        for _ in 0..<3 {
            #expect(await room.untilRoom())
            room.began()
            controls.append(WorkControl { room.passedOn() })
        }
        for control in controls { _ = try await turns.take(try Self.product(k: 100), control) }
        let waiting = Task { await room.untilRoom() }
        controls[1].passOn()
        #expect(await waiting.value)
        room.began()
        // Four are held by three devices and one place more.
        let full = Task { await room.untilRoom() }
        controls[0].passOn()
        controls[2].passOn()
        full.cancel()
        #expect(await !full.value)
        room.ended()
        #expect(await room.untilRoom())
    }
}

/// A device with a speed that never computes.
private struct SpeedyBackend: ComputeBackend {
    let name: String
    let device = "a device with a speed"
    let speed: Double?

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic, operationsPerSecond: speed) }
    func capability(for rows: RowWork) -> Capability? { Capability(arithmetic: rows.arithmetic) }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) { throw Problem(.unsupportedDtype, "never computes") }
}
