import Kernels
import Profiler
import Synchronization
import Testing
import Wire

@Suite("Rates beside the peak of the same second") struct RateSurveyTests {
    private static func plan(_ budget: Duration, rounds: Int = 5, sizes: [Int] = [16, 32, 64], hasMembers: Bool = false) -> RatePlan {
        RatePlan(budget: budget, rounds: rounds, sizes: sizes, acceleratorSizes: sizes, hasMembers: hasMembers, hasMoreKernels: false, kinds: [.gemm])
    }

    private static func survey(
        _ plan: RatePlan, _ device: ClockedDevice, members: [any ComputeBackend] = [], threads: Int? = nil, control: RunControl = .none
    ) throws -> RateTable {
        let machine = Machine(cpu: CPUDescription(cpuinfo: ""), memory: MemoryDescription(meminfo: "", groupLimits: []), cores: 2, lastLevelCacheBytes: nil)
        return try RateSurvey(
            plan, RateSurvey.Devices(backends: [device], members: members), machine: machine, threads: threads, limit: 1 << 24,
            now: { device.clock.now }
        ).run(control: control)
    }

    @Test("A steady device: its rate and its share, whatever the rounds") func steady() throws {
        let device = ClockedDevice(rate: { _ in 4e9 }, peak: { _ in 5e9 })
        let row = try #require(try Self.survey(Self.plan(.seconds(1)), device).fastestProduct(.f32))
        // The clock's own steps are all that is lost: some readings of 100 ns in runs of 1 ms.
        #expect(abs(Double(row.perSecond) / 4e9 - 1) < 0.01)
        #expect(abs(try #require(row.share) - 0.8) < 0.01)
        #expect(row.rounds == 5)
        #expect(row.spread < 0.01)
        #expect(row.peakName == "test peak")
        #expect(row.isSameWork(as: row))
    }

    @Test("The table says how many threads it was measured with") func threads() throws {
        let device = ClockedDevice(rate: { _ in 4e9 }, peak: { _ in 5e9 })
        #expect(try Self.survey(Self.plan(.seconds(1), sizes: [16]), device).threads == 2, "all of the machine's cores")
        #expect(try Self.survey(Self.plan(.seconds(1), sizes: [16]), device, threads: 1).threads == 1)
    }

    @Test("A clock that falls by half in the middle moves the rate and not the share") func throttled() throws {
        @Sendable func factor(_ second: Double) -> Double { second < 0.5 ? 1 : 0.5 }
        let device = ClockedDevice(rate: { 4e9 * factor($0) }, peak: { 5e9 * factor($0) })
        let row = try #require(try Self.survey(Self.plan(.seconds(1), rounds: 9, sizes: [64]), device).fastestProduct(.f32))
        #expect(abs(try #require(row.share) - 0.8) < 0.02)
        #expect(row.perSecond < 4_100_000_000)
    }

    @Test("A neighbour who comes now and then, for whole rounds, moves neither rate nor share", arguments: [false, true])
    func disturbed(meetsPeakOnly: Bool) throws {
        // In 6 of 10 rounds the peak falls to a third, the subject too or not at all: by a median of all rounds the share would be 2.4.
        @Sendable func factor(_ second: Double) -> Double { second.truncatingRemainder(dividingBy: 1) < 0.6 ? 1.0 / 3 : 1 }
        let device = ClockedDevice(rate: { 4e9 * (meetsPeakOnly ? 1 : factor($0)) }, peak: { 5e9 * factor($0) })
        let row = try #require(try Self.survey(Self.plan(.seconds(2), rounds: 10, sizes: [64]), device).fastestProduct(.f32))
        #expect(abs(Double(row.perSecond) / 4e9 - 1) < 0.02)
        #expect(abs(try #require(row.share) - 0.8) < 0.02)
    }

    @Test("The budget holds, however slow the device is", arguments: [1e5, 1e6, 1e7, 1e9, 1e12]) func budget(speed: Double) throws {
        let device = ClockedDevice(rate: { _ in speed }, peak: { _ in 2 * speed })
        let budget = Duration.seconds(2)
        let start = device.clock.seconds
        let table = try Self.survey(Self.plan(budget), device)
        // The first size is always run, to warm up and once to measure; what is larger only where it fits.
        let first = 2 * 2.0 * 16 * 16 * 16 / speed
        #expect(device.clock.seconds - start < budget.seconds + first + 0.5)
        #expect(!table.rows.isEmpty)
        if speed <= 1e5 { #expect(table.notes.contains { $0.hasPrefix("left out") }) }
    }

    @Test("Without a peak there is no share") func noPeak() throws {
        let device = ClockedDevice(rate: { _ in 4e9 }, peak: nil)
        let row = try #require(try Self.survey(Self.plan(.milliseconds(200)), device).fastestProduct(.f32))
        #expect(row.share == nil && row.peakPerSecond == nil && row.peakName == nil)
        #expect(row.perSecond > 3_900_000_000)
    }

    @Test("It ends with the run in which it is canceled, for a library too, and says so", arguments: [false, true]) func canceled(isMember: Bool) throws {
        let device = ClockedDevice(rate: { _ in 4e9 }, peak: { _ in 5e9 })
        let none = ClockedDevice(rate: { _ in 4e9 }, peak: nil, isAble: false, clock: device.clock)
        let control = RunControl(isCanceled: { device.clock.seconds > 0.5 })
        let problem = #expect(throws: Problem.self) {
            try Self.survey(Self.plan(.seconds(20), hasMembers: true), isMember ? none : device, members: [device], control: control)
        }
        #expect(problem?.code == .canceled)
        // The longest run of all is the peak's, of 4 ms.
        #expect((0.5..<0.51).contains(device.clock.seconds))
    }

    @Test("A profile that nobody waits for ends its computation", .timeLimit(.minutes(1))) func abandoned() async {
        let device = EndlessDevice()
        let profile = Task { () async -> Problem.Code? in
            do throws(Problem) {
                _ = try await Profiler(backends: [device], softwareVersion: "test").run()
                return nil
            } catch {
                return error.code
            }
        }
        for await _ in device.started { break }
        profile.cancel()
        #expect(await profile.value == .canceled)
        for await _ in device.ended { break }
    }

    @Test("The plans keep what is promised: 30 s, and 5 s in a hurry") func promises() {
        #expect(RatePlan.full.budget <= .seconds(25))
        #expect(RatePlan.quick.budget <= .seconds(4))
        #expect(RatePlan.quick.isQuick && !RatePlan.full.isQuick)
    }
}

/// A clock that is moved by hand, and a little by being looked at, as a real one is.
private final class HandClock: Sendable {
    private let start = ContinuousClock.now
    private let passed = Mutex(Duration.zero)

    var now: ContinuousClock.Instant {
        passed.withLock { passed in
            passed += .nanoseconds(100)
            return start.advanced(by: passed)
        }
    }
    var seconds: Double { passed.withLock { $0.seconds } }
    func advance(_ seconds: Double) { passed.withLock { $0 += .seconds(seconds) } }
}

/// A device whose work takes time on its own clock alone: operations over its rate at that moment.
private final class ClockedDevice: ComputeBackend, RoofSource {
    let name = "clocked"
    let device = "test"
    let clock: HandClock
    private let rate: @Sendable (Double) -> Double
    private let peak: (@Sendable (Double) -> Double)?
    private let isAble: Bool

    init(rate: @escaping @Sendable (Double) -> Double, peak: (@Sendable (Double) -> Double)?, isAble: Bool = true, clock: HandClock = HandClock()) {
        (self.rate, self.peak, self.isAble, self.clock) = (rate, peak, isAble, clock)
    }

    var roof: (any RoofSource)? { self }

    func capability(for gemm: GEMM) -> Capability? { isAble && gemm.arithmetic == .f32Panel256 ? Capability(arithmetic: gemm.arithmetic) : nil }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        clock.advance(Double(gemm.operations) / rate(clock.seconds))
    }

    func peakName(_ dtype: DType) -> String? { peak == nil ? nil : "test peak" }

    func runPeak(_ dtype: DType, about duration: Duration) throws(Problem) -> Int64? {
        guard let peak else { return nil }
        let operations = peak(clock.seconds) * duration.seconds
        clock.advance(duration.seconds)
        return Int64(operations)
    }
}

/// A device that computes until it is told to stop.
private final class EndlessDevice: ComputeBackend {
    let name = "endless"
    let device = "test"
    let started: AsyncStream<Void>
    let ended: AsyncStream<Void>
    private let starts: AsyncStream<Void>.Continuation
    private let ends: AsyncStream<Void>.Continuation

    init() {
        (started, starts) = AsyncStream.makeStream()
        (ended, ends) = AsyncStream.makeStream()
    }

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        starts.yield()
        defer { ends.yield() }
        while true { try control.step(0) }
    }
}
