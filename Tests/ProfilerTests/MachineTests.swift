import Profiler
import TestSupport
import Testing

@Suite("What measured speeds hang on") struct MachineTests {
    @Test("Another kernel, microcode, governor or driver is another machine") func surroundings() throws {
        let folder = try KernelFolder()
        try folder.twoSockets()
        try folder.write("/proc/sys/kernel/osrelease", "6.1.0-1")
        let first = Machine.current(folder.files)
        #expect(first == Machine.current(folder.files))
        let changes = [
            "/proc/sys/kernel/osrelease", "/sys/devices/system/cpu/cpu0/microcode/version", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
            "/sys/module/nvidia/version",
        ]
        var seen = [first]
        for change in changes {
            try folder.write(change, "other")
            let machine = Machine.current(folder.files)
            #expect(!seen.contains(machine), "\(change)")
            seen.append(machine)
        }
    }
}
