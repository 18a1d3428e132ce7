import Sensors
import Testing

@Suite("Control groups") struct ControlGroupTests {
    @Test("Version 2, version 1 and both, with every ancestor") func groups() {
        #expect(
            ControlGroups.memoryLimitFiles(selfCgroup: "0::/user.slice/a.scope\n") == [
                "/sys/fs/cgroup/user.slice/a.scope/memory.max", "/sys/fs/cgroup/user.slice/memory.max", "/sys/fs/cgroup/memory.max",
            ])
        #expect(
            ControlGroups.memoryLimitFiles(selfCgroup: "4:cpu,memory:/docker/x\n3:cpuset:/\n") == [
                "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ])
        #expect(
            ControlGroups.memoryLimitFiles(selfCgroup: "4:memory:/\n0::/\n") == [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/unified/memory.max",
            ])
        #expect(ControlGroups.memoryLimitFiles(selfCgroup: "0::/../../etc\nnonsense\n").isEmpty)
    }

    @Test("A share of CPU time in whole cores, the smallest of all groups'") func quota() {
        #expect(ControlGroups.cores(cpuMax: "150000 100000\n") == 2)
        #expect(ControlGroups.cores(cpuMax: "100000 100000") == 1)
        #expect(ControlGroups.cores(cpuMax: "max 100000\n") == nil)
        #expect(ControlGroups.cores(cpuMax: "5 0") == nil)
        let files = ["/sys/fs/cgroup/a/b/cpu.max": "max 100000", "/sys/fs/cgroup/a/cpu.max": "300000 100000", "/sys/fs/cgroup/cpu.max": "nonsense"]
        #expect(ControlGroups.cores(selfCgroup: "0::/a/b\n") { files[$0] } == 3)
        let legacy = [
            "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "250000\n", "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        ]
        #expect(ControlGroups.cores(selfCgroup: "4:cpu,cpuacct:/a\n0::/\n") { legacy[$0] } == 3)
    }
}
