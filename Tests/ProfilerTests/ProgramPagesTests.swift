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

    /// This program's file, mapped once more: code that nobody else in this process touches, at a place where files may be executed.
    @Test("They come back, and the process goes on", .enabled(if: FileManager.default.isReadableFile(atPath: "/proc/self/smaps"), "needs /proc"))
    func goesOn() throws {
        func list() -> String { KernelFiles().text("/proc/self/smaps") ?? "" }
        let size = 1 << 20
        let file = unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        guard let mapped = unsafe mmap(nil, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0), unsafe mapped != MAP_FAILED else {
            Issue.record("the program's file can't be mapped: \(errno)")
            return
        }
        defer { unsafe munmap(mapped, size) }
        let range = unsafe UInt(bitPattern: mapped)..<UInt(bitPattern: mapped + size)
        func contents() -> [UInt8] { unsafe [UInt8](UnsafeRawBufferPointer(start: mapped, count: size)) }
        let before = contents()

        // A miner of another test that comes to rest gives back pages of the whole process, also between these two lines.
        let found = (0..<10).contains { _ in contents() == before && ProgramPages.spare(list()).contains(range) }
        #expect(found)
        // Longer than a page of it, which is all that some readers take.
        #expect(list().utf8.count > 16_384)
        ProgramPages.giveBack()
        #expect(!ProgramPages.spare(list()).contains(range))
        #expect(contents() == before)
    }
}
