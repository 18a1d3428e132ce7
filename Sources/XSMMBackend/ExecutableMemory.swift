import Glibc

/// Whether code made at run time may run.
///
/// Where a process may not have memory that is written and then executed (systemd's MemoryDenyWriteExecute, prctl's PR_SET_MDWE), or memory
/// is short, libxsmm 1.17 hands out code in memory that isn't executable, and the first call would end the process.
enum ExecutableMemory {
    /// By Linux's list of this process's memory: lines such as `7f5fbb489000-7f5fbb48b000 r-xp …`.
    static func holds(_ address: UnsafeRawPointer) -> Bool {
        guard let file = unsafe fopen("/proc/self/maps", "r") else { return false }
        defer { unsafe fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        let place = UInt(bitPattern: address)
        while unsafe getline(&line, &capacity, file) > 0, let start = unsafe line {
            var rest: UnsafeMutablePointer<CChar>?
            let lower = unsafe strtoul(start, &rest, 16)
            guard lower <= place, let dash = unsafe rest, unsafe dash.pointee == CChar(UInt8(ascii: "-")) else { continue }
            let upper = unsafe strtoul(dash + 1, &rest, 16)
            guard place < upper, let flags = unsafe rest else { continue }
            return unsafe String(cString: flags).prefix(5).contains("x")
        }
        return false
    }
}
