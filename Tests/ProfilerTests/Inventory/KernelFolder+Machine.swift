import Sensors
import TestSupport

extension KernelFolder {
    var files: KernelFiles { KernelFiles(root: path) }

    /// Two sockets of two cores with two threads each, a cache of level 1 for each core and one of level 3 for each socket.
    func twoSockets() throws {
        try write("/sys/devices/system/cpu/online", "0-7")
        try write("/sys/devices/system/node/online", "0-1")
        for number in 0..<8 {
            let (socket, core) = (number / 2 % 2, number % 2)
            let folder = "/sys/devices/system/cpu/cpu\(number)"
            try write(in: "\(folder)/topology", ["physical_package_id": "\(socket)", "core_id": "\(core)"])
            try write(in: "\(folder)/cache/index0", ["level": "1", "type": "Data", "size": "48K", "shared_cpu_list": "\(number % 4),\(number % 4 + 4)"])
            try write(in: "\(folder)/cache/index3", ["level": "3", "type": "Unified", "size": "32768K", "shared_cpu_list": "socket\(socket)"])
            try write("\(folder)/cpufreq/cpuinfo_max_freq", "3700000")
        }
        let flags = "flags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vnni avx512_bf16 amx_tile amx_int8"
        try write("/proc/cpuinfo", (0..<8).map { "processor\t: \($0)\nmodel name\t: Test 9000\n\(flags)\n" }.joined(separator: "\n"))
        try write("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-7\n")
        try write("/proc/meminfo", "MemTotal:       33554432 kB\nMemAvailable:   16777216 kB")
    }
}
