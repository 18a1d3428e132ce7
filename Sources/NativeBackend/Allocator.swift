import CKernels
import Foundation

/// How the C library's allocator is used by this process.
package enum Allocator {
    /// Gives it as many arenas as there are cores, and not eight for each: every one keeps what was free when it was used last. An idle miner on two cores
    /// had 37 MB of its own with two and 42 with sixteen.
    ///
    /// Before threads are many: arenas that were made stay.
    package static func useFewArenas() { adit_limit_arenas(Int32(clamping: max(2, ProcessInfo.processInfo.activeProcessorCount))) }
}
