import Foundation
import Sensors
import Testing

@testable import Profiler

@Suite("Pages of programs at rest") struct ProgramPagesTests {
    @Test("Only code of files that is as it was read") func spare() {
        func mapping(_ start: Int, _ flags: String, _ path: String, rss: Int, anonymous: Int) -> String {
            let (first, last) = (String(start << 20, radix: 16), String((start + 1) << 20, radix: 16))
            return "\(first)-\(last) \(flags) 00000000 fe:00 17   \(path)\nSize: 1024 kB\nRss: \(rss) kB\nAnonymous: \(anonymous) kB\nVmFlags: rd ex mr\n"
        }
        let smaps = [
            mapping(1, "r-xp", "/usr/bin/adit with spaces", rss: 900, anonymous: 0), mapping(2, "r--p", "/usr/bin/adit", rss: 900, anonymous: 0),
            mapping(3, "r-xp", "/usr/lib/debugged.so", rss: 900, anonymous: 4), mapping(4, "rwxp", "", rss: 900, anonymous: 900),
            mapping(5, "r-xp", "[vdso]", rss: 900, anonymous: 0), mapping(6, "r-xp", "/usr/lib/small.so", rss: 100, anonymous: 0),
            mapping(7, "r-xs", "/memfd:code", rss: 900, anonymous: 0), mapping(8, "r-xp", "/memfd:copy (deleted)", rss: 900, anonymous: 0),
        ].joined()
        #expect(ProgramPages.spare(smaps) == [1 << 20..<2 << 20, 8 << 20..<9 << 20])
        #expect(ProgramPages.spare("").isEmpty)
        #expect(ProgramPages.spare("nonsense:\n-\n1-0 r-xp 0 0 0 /x\nRss: 900 kB\nAnonymous: 0 kB").isEmpty)
    }

    @Test("They come back, and the process goes on", .enabled(if: FileManager.default.isReadableFile(atPath: "/proc/self/smaps"), "needs /proc"))
    func goesOn() throws {
        func kilobytesOfFiles() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
            return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1]))
        }
        // The list is longer than one reading of it.
        let all = ProgramPages.spare(KernelFiles().text("/proc/self/smaps") ?? "")
        #expect(all.count > 1)
        let before = try kilobytesOfFiles()
        ProgramPages.giveBack()
        let after = try kilobytesOfFiles()
        // Most of this process's code isn't what reads and compares these lines.
        #expect(after < before)
    }
}
