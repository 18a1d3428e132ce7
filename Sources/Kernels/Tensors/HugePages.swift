private import Glibc
import Wire

/// Zeroed memory in pages of 2 MiB, where the system has them for those who ask (`madvise` or `always` in
/// /sys/kernel/mm/transparent_hugepage/enabled).
///
/// A first touch of 16 MiB is 8 page faults then, and not 4,096. It is the kernel's own mapping: malloc would keep what is freed for
/// later, and a miner between two jobs held tens of megabytes of it.
///
/// `@unchecked Sendable`: an address and a length, which never change. Its one user, `TensorBuffer`, orders what is done with the bytes
/// and calls `release` once, after the last of it.
@safe struct HugePages: @unchecked Sendable {
    private static let page = 2 << 20
    /// From here on. The last page is whole too, at most 2 MiB more than asked for: in small pages a matrix of 1000 × 1000 lies anywhere in the
    /// caches' sets, and a product of two was measured up to a tenth slower for as long as they lay so.
    static let worthwhile = 3 << 20

    let base: UnsafeMutableRawPointer
    private let byteCount: Int

    /// Throws `memory_limit` where there is no memory.
    init(byteCount: Int) throws(Problem) {
        let (length, overflow) = byteCount.addingReportingOverflow(2 * Self.page)
        guard !overflow, let mapped = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), unsafe mapped != MAP_FAILED
        else { throw Problem(.memoryLimit, "no memory for \(byteCount) bytes") }
        // The mapping begins anywhere: what lies before the first whole page and after the last byte goes back.
        let before = (Self.page - Int(bitPattern: mapped) % Self.page) % Self.page
        let kept = (byteCount + Self.page - 1) / Self.page * Self.page
        if before > 0 { unsafe munmap(mapped, before) }
        unsafe base = mapped + before
        if length - before > kept { unsafe munmap(base + kept, length - before - kept) }
        self.byteCount = kept
        // Advice: without it, or against it, pages are small.
        unsafe madvise(base, kept, MADV_HUGEPAGE)
    }

    func release() { unsafe munmap(base, byteCount) }
}
