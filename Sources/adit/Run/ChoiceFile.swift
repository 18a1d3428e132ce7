import BackendChoice
import Foundation
import Wire

/// What was measured of the CPU's libraries, in a file: read at start, replaced whole after each new measurement.
struct ChoiceFile: ChoiceStore {
    let path: String
    /// Whether what it holds is measured anew.
    let isForgotten: Bool

    /// In the user's cache folder (`XDG_CACHE_HOME`, or `.cache` in the home folder); nil where there is no home.
    static var usualPath: String? {
        let environment = ProcessInfo.processInfo.environment
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/adit/backends.json" }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return "\(home)/.cache/adit/backends.json"
    }

    func load() -> [UInt8]? { isForgotten ? nil : try? Files.read(path, limit: 1 << 22) }

    func save(_ document: [UInt8]) {
        // Without it the next start measures again.
        try? Files.makeFolder((path as NSString).deletingLastPathComponent)
        try? Files.write(document, to: path)
    }
}
