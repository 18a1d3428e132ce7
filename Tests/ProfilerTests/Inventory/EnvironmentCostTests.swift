import Foundation
import Profiler
import TestSupport
import Testing

@Suite("What the environment costs, from real files") struct EnvironmentCostTests {
    /// The codes found on the machine with two sockets after `change`.
    private func find(
        _ environment: [String: String] = [:], coreTypes: EnvironmentCosts.CoreTypes? = nil, load: LoadWatch.Outcome = LoadWatch.Outcome(),
        _ change: (KernelFolder) throws -> Void = { _ in }
    ) throws -> [EnvironmentCost] {
        let machine = try KernelFolder()
        try machine.twoSockets()
        try change(machine)
        let inventory = Inventory.take(machine.files, folder: "/tmp")
        return EnvironmentCosts(machine.files, environment: environment, inventory: inventory, coreTypes: coreTypes, load: load).find()
    }

    @Test("A quiet, open machine costs nothing") func nothing() throws {
        let found = try find(["OMP_NUM_THREADS": "8", "OPENBLAS_CORETYPE": ""], load: LoadWatch.Outcome(othersShare: 0.02, stolenShare: 0, throttles: 0)) {
            try $0.write(
                in: "/sys/devices/system/cpu/cpu0/cpufreq",
                ["scaling_governor": "powersave", "scaling_driver": "intel_pstate", "energy_performance_preference": "balance_performance"])
            try $0.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never")
            try $0.write("/sys/devices/system/cpu/intel_pstate/no_turbo", "0")
            try $0.write("/proc/self/cgroup", "0::/system.slice/adit.service")
            try $0.write("/sys/fs/cgroup/system.slice/adit.service/cpu.max", "800000 100000")
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test("A core type, by the ratio that was measured") func coreType() throws {
        let types = EnvironmentCosts.CoreTypes(used: "SkylakeX", speeds: ["SkylakeX": 460e9, "Haswell": 230e9, "Cooperlake": 455e9])
        let found = try #require(try find(["OPENBLAS_CORETYPE": "HASWELL"], coreTypes: types).first)
        #expect(found.code == .blasCoreType && found.share == 0.5)
        #expect(
            found.cost
                == "programs that obey it run at 50.0 % of the speed of SkylakeX (230 instead of 460 GFLOP/s, measured); Adit chose SkylakeX by measuring")
        #expect(found.remedy == "unset OPENBLAS_CORETYPE")
        #expect(try find(["OPENBLAS_CORETYPE": "Cooperlake"], coreTypes: types).isEmpty, "within what measuring can tell")
        let other = try #require(try find(["OPENBLAS_CORETYPE": "Prescott"], coreTypes: types).first)
        #expect(other.share == nil && other.cost.hasPrefix("not measured"))
    }

    @Test("Threads and limits of libraries") func threads() throws {
        #expect(try find(["OPENBLAS_NUM_THREADS": "1"]).map(\.code) == [.blasThreads])
        #expect(try find(["OMP_NUM_THREADS": "0"]).isEmpty)
        #expect(try find(["OMP_NUM_THREADS": "4,2"]).isEmpty, "a list is a matter of nesting")
        let limit = try #require(try find(["OMP_THREAD_LIMIT": "2"]).first)
        #expect(limit.code == .threadLimit && limit.share == 0.25)
    }

    @Test("Control groups: processors and memory, with the command for what made them") func groups() throws {
        let found = try find {
            try $0.write("/proc/self/cgroup", "0::/system.slice/adit.service")
            try $0.write("/sys/fs/cgroup/system.slice/adit.service/cpu.max", "200000 100000")
            try $0.write("/sys/fs/cgroup/system.slice/memory.max", "\(4 << 30)")
        }
        #expect(found.map(\.code) == [.groupCores, .groupMemory])
        #expect(found[0].share == 0.25)
        #expect(found[0].remedy == "systemctl set-property adit.service CPUQuota=")
        #expect(found[1].cost == "larger jobs are not offered; with it no tier above inference, without it up to trainer")
        let docker = try find {
            try $0.write("/.dockerenv", "")
            try $0.write("/proc/self/cgroup", "0::/")
            try $0.write("/sys/fs/cgroup/cpu.max", "50000 100000")
        }
        #expect(docker.first?.remedy == "docker update --cpus 8 CONTAINER (on the host)")
    }

    @Test("Affinity") func affinity() throws {
        let found = try #require(try find { try $0.write("/proc/self/status", "Cpus_allowed_list:\t0-1,6") }.first)
        #expect(found.code == .affinity && found.share == 0.375)
        #expect(found.found == "this process may run on processors 0-1,6 alone, of 8")
    }

    @Test("Clocks: powersave costs what the driver makes of it") func clocks() throws {
        let folder = "/sys/devices/system/cpu/cpu0/cpufreq"
        func cost(_ files: [String: String]) throws -> EnvironmentCost? { try find { try $0.write(in: folder, files) }.first }
        let held = try #require(try cost(["scaling_governor": "powersave", "scaling_driver": "acpi-cpufreq", "cpuinfo_min_freq": "925000"]))
        #expect(held.code == .clockGovernor && held.share == 0.25)
        #expect(held.cost == "the clock is held at 925 of 3700 MHz")
        #expect(try cost(["scaling_governor": "powersave", "scaling_driver": "amd-pstate-epp", "energy_performance_preference": "power"])?.share == nil)
        #expect(try cost(["scaling_governor": "performance", "scaling_driver": "acpi-cpufreq"]) == nil)
        #expect(try cost(["scaling_governor": "schedutil", "scaling_driver": "acpi-cpufreq"]) == nil)
    }

    @Test("Turbo and huge pages switched off") func kernel() throws {
        let found = try find {
            try $0.write("/sys/devices/system/cpu/cpufreq/boost", "0")
            try $0.write("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "1850000")
            try $0.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]")
        }
        #expect(found.map(\.code) == [.turboOff, .hugePagesOff])
        #expect(found[0].share == 0.5)
        #expect(found[0].remedy == "echo 1 > /sys/devices/system/cpu/cpufreq/boost (as root)")
    }

    @Test("What disturbed the measurement") func disturbed() throws {
        let found = try find(load: LoadWatch.Outcome(othersShare: 0.4, stolenShare: 0.05, throttles: 3))
        #expect(found.map(\.code) == [.otherPrograms, .stolenTime, .overheated])
        #expect(found[0].share == 0.6)
    }

    @Test("The watch reads the kernel's counters before and after") func watch() throws {
        let machine = try KernelFolder()
        func write(_ stat: String, own: Int, throttles: Int) throws {
            try machine.write("/proc/stat", "cpu  \(stat) 0 0\ncpu0 1 1 1 1")
            try machine.write("/proc/self/stat", "1 (adit) R 0 0 0 0 0 0 0 0 0 0 \(own) 0 0 0 20 0")
            try machine.write("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "\(throttles)")
        }
        try write("100 0 0 100 0 0 0 10", own: 50, throttles: 7)
        var watch = LoadWatch(machine.files)
        try write("190 0 0 110 0 0 0 35", own: 90, throttles: 9)
        let outcome = watch.end()
        #expect(outcome.othersShare.map { ($0 * 1e6).rounded() / 1e6 } == 0.5, "90 of 100 busy, 40 of them ours")
        #expect(outcome.stolenShare == 0.2, "25 of 125")
        #expect(outcome.throttles == 2)
        var blind = try LoadWatch(KernelFolder().files)
        #expect(blind.end() == LoadWatch.Outcome())
    }
}
