import Foundation
import Operations
import Sensors
import TestSupport
import Testing

@Suite("Energy and time of processors") struct PowerTests {
    private static let zone = "/sys/class/powercap/intel-rapl:0"

    private func counter(_ folder: KernelFolder, _ number: Int = 0, energy: String, range: String? = "262143328850") throws {
        let zone = "/sys/class/powercap/intel-rapl:\(number)"
        try folder.write("\(zone)/name", "package-\(number)\n")
        try folder.write("\(zone)/energy_uj", energy + "\n")
        if let range { try folder.write("\(zone)/max_energy_range_uj", range + "\n") }
    }

    @Test("Watts are differences, over all packages, without what is counted elsewhere") func watts() throws {
        let folder = try KernelFolder()
        try counter(folder, energy: "1000000")
        try counter(folder, 1, energy: "7000000")
        for (zone, name) in [("intel-rapl:0:0", "core"), ("intel-rapl-mmio:0", "package-0"), ("intel-rapl:2", "psys")] {
            try folder.write("/sys/class/powercap/\(zone)/name", name + "\n")
            try folder.write("/sys/class/powercap/\(zone)/energy_uj", "5\n")
        }
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        #expect(sensors.read(device: "cpu").power == nil, "no time went by")
        clock.advance(by: .seconds(2))
        try counter(folder, energy: "201000000")
        try counter(folder, 1, energy: "57000000")
        #expect(sensors.read(device: "cpu").power == 125)
        try counter(folder, energy: "202000000")
        clock.advance(by: .milliseconds(100))
        #expect(sensors.read(device: "cpu").power == 125, "a second reader a tenth of a second later gets the same average")
        #expect(sensors.report().first { $0.quantity == .power }?.source == "RAPL package-0, package-1")
    }

    @Test("The counter wraps around") func wrap() throws {
        let folder = try KernelFolder()
        try counter(folder, energy: "262000000000")
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        clock.advance(by: .seconds(4))
        try counter(folder, energy: "56671150")
        #expect(sensors.read(device: "cpu").power == 50, "143,328,850 µJ to the end and 56,671,150 after it, in 4 s")
    }

    @Test(
        "No figure where none can be trusted",
        arguments: [
            ("5000000", 4, "262143328850"),  // stands still: a virtual machine
            ("4000000", 4, nil),  // fell, and doesn't say where it wraps
            ("104000000", 300, "262143328850"),  // 1,000 W would have filled it in 262 s: perhaps it wrapped twice
            ("9000000000", 4, "262143328850"),  // 2.2 kW
            ("300000000000", 4, "262143328850"),  // beyond its own range
            ("-5", 4, "262143328850"), ("x", 4, "262143328850"), ("", 4, "262143328850"),
        ] as [(String, Int, String?)]) func lies(energy: String, seconds: Int, range: String?) throws
    {
        let folder = try KernelFolder()
        try counter(folder, energy: "5000000", range: range)
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        clock.advance(by: .seconds(seconds))
        try counter(folder, energy: energy, range: range)
        #expect(sensors.read(device: "cpu").power == nil)
    }

    @Test("One socket's counter that vanishes makes the sum unknown; back again, it counts from there") func vanishes() throws {
        let folder = try KernelFolder()
        try counter(folder, energy: "1")
        try counter(folder, 1, energy: "1")
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        let energies = ["50000001", nil, "150000001", "200000001"]
        var powers: [Double?] = []
        for (step, energy) in energies.enumerated() {
            clock.advance(by: .seconds(1))
            try counter(folder, energy: "\(50_000_000 * (step + 1) + 1)")
            if let energy { try counter(folder, 1, energy: energy) } else { try folder.remove("/sys/class/powercap/intel-rapl:1/energy_uj") }
            powers.append(sensors.read(device: "cpu").power)
        }
        #expect(powers == [100, nil, nil, 100])
    }

    @Test("Not allowed to read: the reason and the command") func denied() throws {
        let folder = try KernelFolder()
        try counter(folder, energy: "1")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: folder.path + "\(Self.zone)/energy_uj")
        let report = try asNobody { SystemSensors(files: folder.files, nvml: nil).report().first { $0.quantity == .power } }
        let power = try #require(report)
        #expect(power.source == nil)
        #expect(power.reason == "\(Self.zone)/energy_uj: it may not be read by this user")
        #expect(power.remedy?.hasPrefix("chmod a+r /sys/class/powercap") == true)
    }

    @Test("Utilisation is the busy share of the ticks since the reading before") func utilisation() throws {
        let folder = try KernelFolder()
        try folder.write("/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0 0 0\nintr 5\n")
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        clock.advance(by: .seconds(1))
        // 40 user, 10 nice, 10 system, 60 idle, 20 waiting, 5 for interrupts, 15 for soft ones; 1,000 stolen count as neither.
        try folder.write("/proc/stat", "cpu  140 10 110 860 20 5 15 1000 0 0\ncpu0 1 0 0 0\n")
        #expect(sensors.read(device: "cpu").utilisation == 0.5)
        clock.advance(by: .seconds(1))
        try folder.write("/proc/stat", "cpu  1 0 1 8 0 0 0 0 0 0\ncpu0 1 0 0 0\n")
        #expect(sensors.read(device: "cpu").utilisation == nil, "the counters went back")
    }

    @Test(
        "Nonsense in /proc/stat is no figure",
        arguments: ["", "cpu", "cpu  1 2 3 4\n", "cpu  a b c d\ncpu0 1 1 1 1\n", "cpu  -1 2 3 4\ncpu0 1 1 1 1\n", "intr 1\ncpu 1 1 1 1\n"])
    func nonsense(text: String) { #expect(ProcessorTimes(stat: text) == nil) }
}

/// Runs a body with the rights of the user `nobody` for files, where this is root: root may read everything. Of this thread alone.
private func asNobody<R>(_ body: () throws -> R) throws -> R {
    typealias SetUser = @convention(c) (UInt32) -> CInt
    guard let symbol = unsafe dlsym(nil, "setfsuid") else { throw CancellationError() }
    let setUser = unsafe unsafeBitCast(symbol, to: SetUser.self)
    let before = setUser(65_534)
    defer { _ = setUser(UInt32(bitPattern: before)) }
    return try body()
}
