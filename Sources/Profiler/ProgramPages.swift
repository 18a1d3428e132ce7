import Glibc
import Sensors

/// The pages of programs and libraries that a process has mapped and, at rest, doesn't use.
///
/// A fault on a file's page maps its neighbours too, 16 at a time, and measuring a machine walks through most of a program once: of the tens
/// of megabytes that stay mapped, and count as the process's memory, an idle miner uses few. Unmapped, their contents stay in the page cache for
/// as long as nobody needs the memory more, and those in use come back with the next instruction.
package enum ProgramPages {
    /// Less isn't worth a call.
    private static let least = 256 << 10

    /// Unmaps them. Where the kernel doesn't say what is mapped nothing happens.
    package static func giveBack() {
        for range in spare(KernelFiles().text("/proc/self/smaps") ?? "") {
            guard let start = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound) else { continue }
            unsafe madvise(start, range.count, MADV_DONTNEED)
        }
    }

    /// The mappings of code from files that are worth it, from Linux's list of a process's memory (proc_pid_smaps(5)).
    ///
    /// Of those alone the kernel can bring back every page as it was: code is neither written nor, without pages of its own, was it changed by
    /// a debugger.
    static func spare(_ smaps: String) -> [Range<UInt>] {
        var found: [Range<UInt>] = []
        var current: Range<UInt>?
        var resident = 0
        for line in smaps.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let first = words.first else { continue }
            if first.last != ":" {
                current = code(words)
                resident = 0
            } else if words.count >= 2, let kilobytes = Int(words[1]) {
                if first == "Rss:" { resident = kilobytes << 10 }
                if first == "Anonymous:", kilobytes == 0, resident >= least, let range = current { found.append(range) }
            }
        }
        return found
    }

    /// The range of a mapping's first line, such as `5600f000-5601a000 r-xp 00002000 fe:00 17 /usr/bin/adit`, if it is a file's code.
    private static func code(_ words: [Substring]) -> Range<UInt>? {
        guard words.count >= 6, words[1] == "r-xp", words[5].hasPrefix("/") else { return nil }
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }
}
