import Foundation
import Jobs
import Operations
import TestSupport
import Testing

@Suite struct GovernorTests {
    private static func governor(_ target: Double, hard: Double? = nil) -> Governor {
        var targets = GovernorTargets()
        (targets.temperature, targets.hardTemperature) = (target, hard)
        return Governor(targets: targets)
    }

    /// The promise: at most 2 °C over the target, so never at the hard limit 3 °C above it, and 0.95 of the best throughput; 200 plants.
    @Test(arguments: 0..<4) func theTargetIsHeldOnEveryPlant(group: UInt64) {
        var results: [(plant: TestPlant, result: TestPlant.Result)] = []
        for seed in 50 * group..<50 * (group + 1) {
            var plant = TestPlant(seed: seed)
            if group == 3 { plant.resolution = 1 }
            var governor = Self.governor(75, hard: 78)
            let result = plant.run(&governor, target: 75)
            results.append((plant, result))
            #expect(result.overshoot <= 2 && result.throughput >= 0.95, "seed \(seed), τ \(plant.timeConstant) s, gain \(plant.gain) °C: \(result)")
        }
        #expect(results.contains { $0.result.overshoot > -1 }, "none came near its target: the test tests nothing")
        Self.table(results, "group \(group)")
    }

    /// Devices outside what was promised, all with the fastest body: cooler ones, and ones that melt. They stay under the hard limit.
    @Test(arguments: [20.0, 50, 110, 140]) func otherGainsAreLearntToo(gain: Double) {
        for seed in 0..<UInt64(6) {
            var plant = TestPlant(seed: 1000 + seed)
            (plant.gain, plant.timeConstant) = (gain, 20)
            var governor = Self.governor(75, hard: 80)
            let result = plant.run(&governor, target: 75)
            #expect(result.overshoot < 4.5 && result.throughput >= 0.95, "gain \(gain) °C, seed \(seed): \(result)")
        }
    }

    /// The plants do what they are said to: without a governor they pass the target by far.
    @Test func withoutAGovernorTheTargetIsPassed() {
        var plant = TestPlant(seed: 2)
        plant.gain = 80
        var governor = Governor(targets: GovernorTargets())
        let result = plant.run(&governor, target: 75)
        #expect(result.overshoot > 20 && result.throughput > 1.2 && result.reasons.isEmpty)
    }

    @Test func aSensorThatLiesDoesNoHarm() {
        for seed in 0..<UInt64(10) {
            var plant = TestPlant(seed: 2000 + seed)
            plant.gain = 80
            var (random, governor) = (TestRandom(seed), Self.governor(75))
            let lies: [Double?] = [0, -128, 255, 127, .nan, .infinity, 40, nil, 1e300]
            let result = plant.run(&governor, target: 75) { _, true_ in
                random.unit() < 0.05 ? lies[Int(random.next() % UInt64(lies.count))] : true_
            }
            #expect(result.overshoot <= 2 && result.throughput >= 0.9, "seed \(seed): \(result)")
        }
    }

    @Test func aSensorThatIsGoneSlowsDownAndSaysSo() {
        for seed in 0..<UInt64(10) {
            var plant = TestPlant(seed: 3000 + seed)
            (plant.gain, plant.dropsOutEvery) = (80, .infinity)
            var governor = Self.governor(75)
            // Gone just before the room gets hot, for good.
            let gone = plant.hotFrom - 5
            let result = plant.run(&governor, target: 75) { time, true_ in time < gone ? true_ : nil }
            #expect(result.overshoot <= 2 && result.throughput > 0.6 && result.reasons.contains("sensor_lost"), "seed \(seed): \(result)")
        }
        var never = Self.governor(75)
        var paces: [Pace] = []
        for second in 0..<20 { paces.append(never.step(SensorReading(), worked: nil, at: .seconds(second))) }
        #expect(paces.allSatisfy { $0.duty == 0.5 } && paces.last?.reason == .sensorLost)
    }

    @Test func aFrozenSensorIsNotBelieved() {
        var governor = Self.governor(75)
        var pace: Pace?
        // It shows 40 °C for ever, while the device begins to work.
        for half in 0..<400 { pace = governor.step(SensorReading(temperature: 40), worked: half < 20 ? 0 : pace?.duty, at: .milliseconds(500 * half)) }
        #expect(pace?.reason == .sensorLost && (pace?.duty ?? 1) <= 0.6)
    }

    @Test func theHardLimitStopsAtOnceAndUntilItIsCool() {
        var governor = Self.governor(75, hard: 80)
        for half in 0..<40 { _ = governor.step(SensorReading(temperature: 70), worked: 0.5, at: .milliseconds(500 * half)) }
        #expect(governor.step(SensorReading(temperature: 81), worked: 0.5, at: .seconds(20)).duty == 0)
        #expect(governor.step(SensorReading(temperature: 95), worked: 0, at: .milliseconds(20_500)).duty == 0)
        #expect(governor.step(SensorReading(temperature: 95), worked: 0, at: .seconds(21)).duty == 0)
        var pace: Pace?
        for half in 43..<200 { pace = governor.step(SensorReading(temperature: 60 + Double(half % 2)), worked: pace?.duty ?? 0, at: .milliseconds(500 * half)) }
        #expect(pace?.duty == 1 && pace?.reason == nil)
    }

    @Test func clocksThatStandAndJumpAreTaken() {
        var governor = Self.governor(75)
        for seconds in [0.0, 0, 5, 3, 3, 1e6, 1e6 + 0.5, 2e6, 1e15] {
            let pace = governor.step(SensorReading(temperature: 50), worked: .nan, at: .seconds(seconds))
            #expect(pace.duty >= 0 && pace.duty <= 1)
        }
    }

    @Test func powerComesToItsTargetFromBelow() {
        for (idle, full) in [(5.0, 65.0), (40, 300), (15, 90), (0, 1000)] {
            var targets = GovernorTargets()
            targets.power = idle + (full - idle) * 0.6
            let watts = targets.power ?? 0
            var (governor, random) = (Governor(targets: targets), TestRandom(7))
            var (duty, most, work) = (0.0, 0.0, 0.0)
            for half in 0..<400 {
                let power = idle + (full - idle) * duty
                most = max(most, power)
                if half >= 100 { work += duty / 300 }
                let reading = SensorReading(power: power * (1 + 0.015 * (2 * random.unit() - 1)))
                duty = governor.step(reading, worked: duty, at: .milliseconds(500 * half)).duty
            }
            #expect(most <= watts && work >= 0.95 * 0.6, "\(idle) to \(full) W: \(most) W at most, duty \(work)")
        }
    }

    @Test func powerThatCannotBeReadIsHalved() {
        var targets = GovernorTargets()
        targets.power = 100
        var governor = Governor(targets: targets)
        let never = (0...30).map { governor.step(SensorReading(), worked: nil, at: .seconds($0)) }
        // A counter says its power with its second reading; where no sensor is, that is the reason soon, and not a power that nobody knows.
        #expect(never[...2].allSatisfy { $0.reason == .power && $0.duty == never[0].duty })
        #expect(never[3...].allSatisfy { $0.reason == .sensorLost && $0.duty == never[0].duty / 2 })
        let seen = governor.step(SensorReading(power: 50), worked: 0.1, at: .seconds(31))
        #expect(seen.duty > never[30].duty && seen.reason == .power)
        let gone = (32...60).map { governor.step(SensorReading(), worked: seen.duty, at: .seconds($0)) }
        #expect(gone.first?.reason == .power && gone.first?.duty == seen.duty)
        #expect(gone.last?.reason == .sensorLost && gone.last?.duty == seen.duty / 2)
    }

    @Test func threadsGoBeforePauses() {
        var targets = GovernorTargets()
        targets.utilisation = 0.3
        var governor = Governor(targets: targets, threads: 8)
        let pace = governor.step(SensorReading(), worked: nil, at: .zero)
        #expect(pace.duty == 0.3 && pace.threads == 3 && pace.batchShare == 0.3 && pace.reason == .utilisation)
        governor.targets.utilisation = nil
        let free = governor.step(SensorReading(), worked: 0.3, at: .seconds(1))
        #expect(free == Pace(duty: 1, threads: 8, batchShare: 1, reason: nil))
    }

    @Test func energyIsCountedOnlyWhereItWasMeasured() {
        var meter = EnergyMeter()
        #expect(meter.joules == nil && meter.joulesPerUnit == nil)
        for (second, power, units) in [(0, 10.0, 5.0), (1, 10, 5), (2, nil, 100), (3, 30, 5), (100, 30, 5), (101, .nan, 1), (102, 20, 0)]
            as [(Int, Double?, Double)]
        {
            meter.add(power: power, units: units, at: .seconds(second))
        }
        #expect(meter.joules == 60 && meter.units == 10 && meter.joulesPerUnit == 6)
    }

    /// For docs/OPERATORS.md: PRINT_PLANTS=1 prints the figures of the plants by their time constant.
    private static func table(_ results: [(plant: TestPlant, result: TestPlant.Result)], _ name: String) {
        guard ProcessInfo.processInfo.environment["PRINT_PLANTS"] == "1" else { return }
        for band in [20.0..<35, 35..<60, 60..<90.1] {
            let found = results.filter { band.contains($0.plant.timeConstant) }.map(\.result)
            let over = found.map(\.overshoot).sorted()
            let through = found.map(\.throughput).sorted()
            guard let most = over.last, let least = through.first else { continue }
            print(name, "τ \(band)", "plants \(found.count)", "overshoot \(over[over.count / 2]) \(most)", "throughput \(through[through.count / 2]) \(least)")
        }
    }
}
