import Profiler
import Testing

@Suite("What Linux says") struct ProcTextTests {
    static let x86 = """
        processor	: 0
        vendor_id	: AuthenticAMD
        model name	: AMD EPYC 9B45
        flags		: fpu sse4_2 avx avx2 fma avx512f avx512_vnni sha_ni
        bugs		: spectre_v1

        processor	: 1
        model name	: AMD EPYC 9B45
        flags		: fpu sse4_2 avx avx2 fma sha_ni

        """

    @Test("An x86 list of two processors: only what both have counts") func x86() {
        let cpu = CPUDescription(cpuinfo: Self.x86)
        #expect(cpu.model == "AMD EPYC 9B45")
        #expect(cpu.listedCores == 2)
        #expect(cpu.isa == ["sse4_2", "avx", "fma", "avx2", "sha_ni"])
    }

    @Test("An ARM list without a name") func arm() {
        let cpu = CPUDescription(cpuinfo: "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd sve sha2\nCPU implementer\t: 0x41\n")
        #expect(cpu.model == nil)
        #expect(cpu.listedCores == 1)
        #expect(cpu.isa == ["asimd", "sve", "sha2"])
    }

    @Test("Nothing readable gives nothing", arguments: ["", "\n\n", ":::\n", "model name\n", "flags"]) func nothing(text: String) {
        let cpu = CPUDescription(cpuinfo: text)
        #expect(cpu.model == nil)
        #expect(cpu.isa.isEmpty)
    }

    @Test("The smaller of memory and limits") func memory() {
        let meminfo = "MemTotal:       24676044 kB\nMemFree:  1 kB\nMemAvailable:   20000000 kB\n"
        let free = MemoryDescription(meminfo: meminfo, groupLimits: ["max\n", "9223372036854771712\n"])
        #expect(free.totalBytes == 25_268_269_056 as Int64)
        #expect(free.availableBytes == 20_480_000_000 as Int64)
        #expect(free.groupLimitBytes == nil)
        #expect(free.usableBytes == 25_268_269_056 as Int64)
        let boxed = MemoryDescription(meminfo: meminfo, groupLimits: ["max", "4294967296\n", "8589934592\n"])
        #expect(boxed.usableBytes == 4_294_967_296)
    }

    @Test(
        "Unreadable memory is unknown",
        arguments: ["", "MemTotal: kB", "MemTotal: -5 kB", "MemTotal: 99999999999999999999 kB", "MemTotal: 9223372036854775807 kB", "MemTotal: 5 MB"])
    func unknownMemory(text: String) {
        #expect(MemoryDescription(meminfo: text, groupLimits: ["", "x", "-1"]).usableBytes == nil)
    }

    @Test("Cache sizes") func caches() {
        #expect(Machine.cacheSize("32768K\n") == 32 << 20)
        #expect(Machine.cacheSize("96M") == 96 << 20)
        #expect(Machine.cacheSize("512") == 512)
        for text in ["", "K", "-1K", "9999999999999999999G", "9223372036854775807G"] { #expect(Machine.cacheSize(text) == nil) }
    }

    @Test("This machine can be read") func here() {
        let machine = Machine.current()
        #expect(machine.cores >= 1)
        #expect((machine.memory.usableBytes ?? 0) > 64 << 20)
    }
}
