import Foundation
import Operations
import Sensors
import TestSupport
import Testing

@Suite("What else goes on, from real files") struct ActivityTests {
    private func activity(_ folder: KernelFolder, loginctl: String = "/nonexistent", at time: Double = 1_000_000, clock: Clock = Clock()) -> SystemActivity {
        SystemActivity(files: folder.files, folder: folder.path, loginctl: loginctl, wallClock: { time }, now: clock.now)
    }

    @Test("Other programs' share is all that is busy less our own") func others() throws {
        let folder = try KernelFolder()
        func stat(_ busy: Int, _ idle: Int, own: Int) throws {
            try folder.write("/proc/stat", "cpu  \(busy) 0 0 \(idle) 0 0 0 0 0 0\ncpu0 0 0 0 0\n")
            try folder.write("/proc/self/stat", "1 (a (b) c) S 0 1 1 0 -1 0 0 0 0 0 \(own) 5 1 1 20 0 3 0 9 0\n")
        }
        try stat(100, 100, own: 50)
        let activity = activity(folder)
        try stat(160, 140, own: 90)
        #expect(try #require(activity.read().othersShare).rounded(to: 6) == 0.2, "60 of 100 ticks busy, 40 of them ours")
        try stat(170, 230, own: 120)
        #expect(activity.read().othersShare == 0, "rounding is no load")
        try folder.remove("/proc/self/stat")
        #expect(activity.read().othersShare == nil)
    }

    @Test("Nothing readable is unknown, not idle") func nothing() throws {
        let reading = try activity(KernelFolder()).read()
        #expect(reading.secondsSinceUser == nil)
        #expect(reading.isOnBattery == nil)
        #expect(reading.memorySome == nil && reading.memoryFull == nil && reading.freeMemory == nil && reading.othersShare == nil)
        #expect(try #require(reading.freeDisk) > 0)
    }

    @Test("Terminals of utmp, by their last use") func terminals() throws {
        let folder = try KernelFolder()
        try folder.utmp([(7, "pts/0"), (7, "tty1"), (8, "pts/9"), (7, ":0"), (7, "pts/../../etc")])
        try folder.terminal("pts/0", usedAt: 999_700)
        try folder.terminal("tty1", usedAt: 999_940)
        #expect(activity(folder).read().secondsSinceUser == 60)
        #expect(activity(folder, at: 999_000).read().secondsSinceUser == 0, "a clock that went back")
        try folder.utmp([(8, "pts/0")])
        #expect(activity(folder).read().secondsSinceUser == .infinity, "everybody has left")
    }

    @Test("Sessions of systemd without utmp; services and greeters are nobody") func systemd() throws {
        let folder = try KernelFolder()
        try folder.write("/run/systemd/sessions/3", "UID=1000\nSTATE=active\nTYPE=tty\nCLASS=user\nTTY=pts/2\n")
        try folder.write("/run/systemd/sessions/c1", "UID=100\nSTATE=active\nTYPE=x11\nCLASS=greeter\nTTY=tty7\n")
        try folder.write("/run/systemd/sessions/4", "UID=1000\nSTATE=closing\nTYPE=tty\nCLASS=user\nTTY=pts/5\n")
        try folder.terminal("pts/2", usedAt: 999_000)
        #expect(activity(folder).read().secondsSinceUser == 1_000)
    }

    @Test("A desktop's idleness is the login manager's word, asked every 15 seconds") func desktop() throws {
        let folder = try KernelFolder()
        try folder.write("/run/systemd/sessions/2", "STATE=active\nTYPE=wayland\nCLASS=user\nTTY=tty2\n")
        let program = folder.path + "/loginctl"
        func answer(_ text: String) throws {
            try folder.write("/loginctl", "#!/bin/sh\n[ \"$1 $2\" = 'show-session 2' ] && printf '\(text)'\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        }
        let clock = Clock()
        try answer("IdleHint=no\\nIdleSinceHintMonotonic=0\\n")
        let activity = activity(folder, loginctl: program, clock: clock)
        #expect(activity.read().secondsSinceUser == 0)
        try answer("IdleHint=yes\\nIdleSinceHintMonotonic=1\\n")
        clock.advance(by: .seconds(14))
        #expect(activity.read().secondsSinceUser == 0)
        clock.advance(by: .seconds(1))
        #expect(try #require(activity.read().secondsSinceUser) > 1, "idle since a microsecond after the start")
        try answer("nonsense")
        clock.advance(by: .seconds(15))
        #expect(activity.read().secondsSinceUser == nil)
        // A terminal somebody typed on a minute ago is certain, whatever the desktop may be.
        try folder.utmp([(7, "pts/1")])
        try folder.terminal("pts/1", usedAt: 999_940)
        #expect(activity.read().secondsSinceUser == 60)
        try folder.terminal("pts/1", usedAt: 900_000)
        #expect(activity.read().secondsSinceUser == nil)
    }

    @Test(
        "Mains and batteries",
        arguments: [
            ([("AC", "type=Mains online=0"), ("BAT0", "type=Battery status=Discharging")], true),
            ([("AC", "type=Mains online=1"), ("BAT0", "type=Battery status=Discharging")], false),
            ([("BAT0", "type=Battery status=Full")], false), ([("BAT0", "type=Battery status=Unknown")], nil), ([("BAT0", "type=Battery")], nil),
            ([("hid", "type=Battery scope=Device status=Discharging")], false), ([("UPS", "type=UPS status=Discharging")], true),
        ] as [([(String, String)], Bool?)]) func supplies(list: [(name: String, values: String)], expected: Bool?) throws
    {
        let folder = try KernelFolder()
        for supply in list {
            for value in supply.values.split(separator: " ") {
                let parts = value.split(separator: "=")
                try folder.write("/sys/class/power_supply/\(supply.name)/\(parts[0])", parts[1] + "\n")
            }
        }
        #expect(activity(folder).read().isOnBattery == expected)
    }

    @Test("Pressure is the machine's or the group's, whichever is more; memory what either leaves") func memory() throws {
        let folder = try KernelFolder()
        try folder.write("/proc/self/cgroup", "0::/miners/a\n")
        try folder.write("/proc/pressure/memory", "some avg10=1.50 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=1\n")
        try folder.write("/sys/fs/cgroup/miners/a/memory.pressure", "some avg10=42.00 avg60=0 avg300=0 total=5\nfull avg10=nan avg60=0 avg300=0 total=1\n")
        try folder.write("/proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
        try folder.write("/sys/fs/cgroup/miners/a/memory.max", "max\n")
        try folder.write("/sys/fs/cgroup/miners/memory.max", "5000000\n")
        try folder.write("/sys/fs/cgroup/miners/memory.current", "4000000\n")
        try folder.write("/sys/fs/cgroup/miners/memory.stat", "anon 1\ninactive_file_x 7\ninactive_file 500000\n")
        let reading = activity(folder).read()
        #expect(reading.memorySome == 42)
        #expect(reading.memoryFull == 0.5, "what is no number doesn't count")
        #expect(reading.freeMemory == 1_500_000)
        try folder.write("/sys/fs/cgroup/miners/memory.current", "9000000\n")
        #expect(activity(folder).read().freeMemory == 0)
        try folder.remove("/sys/fs/cgroup/miners/memory.current")
        #expect(activity(folder).read().freeMemory == 8_192_000)
    }

    @Test("Allocations that found no memory: under every limit above, and kills of the own group alone") func outOfMemory() throws {
        let folder = try KernelFolder()
        try folder.write("/proc/self/cgroup", "0::/miners/a\n")
        #expect(activity(folder).read().outOfMemory == nil)
        let events = "low 0\nhigh 900\nmax 800\noom 1\noom_kill 1\noom_group_kill 0\n"
        try folder.write("/sys/fs/cgroup/miners/a/memory.events.local", events)
        try folder.write("/sys/fs/cgroup/miners/a/memory.events", "low 0\nhigh 900\nmax 800\noom 1\noom_kill 3\n")
        try folder.write("/sys/fs/cgroup/miners/memory.events.local", "oom 20\noom_kill 7\n")
        try folder.write("/sys/fs/cgroup/miners/memory.events", "oom 99\noom_kill 99\n")
        #expect(activity(folder).read().outOfMemory == 24)
        try folder.write("/sys/fs/cgroup/miners/memory.events.local", "oom \(Int64.max)\n")
        #expect(activity(folder).read().outOfMemory == .max)
        try folder.write("/proc/self/cgroup", "4:memory:/docker/x\n")
        try folder.write("/sys/fs/cgroup/memory/docker/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n")
        #expect(activity(folder).read().outOfMemory == 5)
    }

    @Test("Room on the disk of a folder that is still to be made") func disk() {
        #expect(DiskRoom.freeBytes("/tmp/not/yet/there") == DiskRoom.freeBytes("/tmp"))
        #expect((DiskRoom.freeBytes("data/none") ?? 0) > 0)
    }

    @Test("This machine can be asked, and it takes no time") func here() {
        let clock = ContinuousClock()
        let activity = SystemActivity(folder: "/tmp")
        let took = clock.measure { for _ in 0..<10 { _ = activity.read() } }
        #expect(took < .seconds(1), "\(took) for ten")
        #expect(activity.read().freeMemory != nil)
    }
}

extension KernelFolder {
    /// Records as glibc writes them: a type, a process, a terminal.
    func utmp(_ records: [(type: UInt8, line: String)]) throws {
        var bytes: [UInt8] = []
        for record in records {
            var one = [UInt8](repeating: 0, count: MemoryLayout<utmpx>.stride)
            one[0] = record.type
            one.replaceSubrange(8..<8 + record.line.utf8.count, with: record.line.utf8)
            bytes += one
        }
        try write("/run/utmp", bytes: bytes)
    }

    func terminal(_ name: String, usedAt time: Int) throws {
        try write("/dev/\(name)", "")
        var times = utimbuf(actime: time, modtime: time)
        guard unsafe utime(path + "/dev/" + name, &times) == 0 else { throw CancellationError() }
    }
}

extension Double {
    func rounded(to places: Int) -> Double {
        let scale = pow(10, Double(places))
        return (self * scale).rounded() / scale
    }
}
