import Testing

@testable import MinerNode

@Suite("Who computes where") struct EarliestFinishTests {
    private typealias Candidate = EarliestFinish.Candidate
    private typealias Device = EarliestFinish.Device

    private func devices(_ jobs: [[Candidate]], _ devices: [Device]) -> [Int?] { EarliestFinish.places(jobs, devices).map { $0?.device } }

    /// 1 s on the first device, 3 s on the second one.
    private let either = [Candidate(device: 0, seconds: 1), Candidate(device: 1, seconds: 3)]
    private let onlySecond = [Candidate(device: 1, seconds: 3)]

    @Test("The fastest device, until its line is longer than a slower one's work") func line() {
        #expect(devices(Array(repeating: either, count: 8), [Device(), Device()]) == [0, 0, 0, 1, 0, 0, 0, 1])
        #expect(devices([either], [Device(freeIn: 2.5), Device()]) == [1])
        #expect(devices([either], [Device(freeIn: 1.5), Device()]) == [0])
    }

    @Test("Of equal ones the first") func equal() {
        let job = [Candidate(device: 1, seconds: 2), Candidate(device: 2, seconds: 2)]
        #expect(devices([job, job, job], [Device(), Device(), Device()]) == [1, 2, 1])
    }

    @Test("A job for one device only holds up nobody else, and keeps its place there") func only() {
        #expect(devices([onlySecond, either, onlySecond], [Device(), Device()]) == [1, 0, 1])
        let places = EarliestFinish.places([onlySecond, onlySecond, either], [Device(), Device(freeIn: 1, isTaken: true)])
        #expect(places.map { $0?.isBehind } == [true, true, false])
        #expect(EarliestFinish.places([onlySecond, onlySecond], [Device(), Device(freeIn: 1)]).map { $0?.isBehind } == [false, true])
    }

    @Test("One that is put aside gets nothing; one that stands still only what no other can do") func aside() {
        #expect(devices([either, onlySecond], [Device(), Device(mayWork: false)]) == [0, nil])
        #expect(devices([either, onlySecond], [Device(duty: 0), Device()]) == [1, 1])
        #expect(devices([either], [Device(duty: 0), Device(mayWork: false)]) == [0])
        #expect(devices([[]], [Device()]) == [nil])
    }

    @Test("A slowed device counts as slow as it is") func slowed() {
        #expect(devices([either], [Device(duty: 0.5), Device()]) == [0])
        #expect(devices([either], [Device(duty: 0.25), Device()]) == [1])
        // NaN and zero of a device's speed never get here; a duty below a hundredth counts as one.
        #expect(devices([either], [Device(duty: 1e-300), Device(duty: 1e-300)]) == [0])
    }

    /// Graham's bound: no list schedule on m equal machines takes more than 2 − 1/m times the best one, which is at least the mean load and the
    /// longest job.
    @Test("On equal devices never longer than twice the best") func bound() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let count = Int.random(in: 1...6, using: &random)
            let times = (0..<Int.random(in: 1...30, using: &random)).map { _ in Double.random(in: 0.01...5, using: &random) }
            let jobs = times.map { time in (0..<count).map { Candidate(device: $0, seconds: time) } }
            var load = Array(repeating: 0.0, count: count)
            for (place, time) in zip(EarliestFinish.places(jobs, Array(repeating: Device(), count: count)), times) { load[place?.device ?? 0] += time }
            let best = max(times.max() ?? 0, times.reduce(0, +) / Double(count))
            #expect((load.max() ?? 0) <= best * (2 - 1 / Double(count)) * (1 + 1e-12), "\(times) on \(count)")
        }
    }
}
