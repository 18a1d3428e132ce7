import Foundation
import Synchronization

/// One line on standard error that is written over, where that is a terminal; silent elsewhere.
final class ProgressLine: Sendable {
    private let isTerminal = isatty(2) == 1
    private let last = Mutex("")

    func show(_ step: String, _ share: Double) {
        let percent = Int(min(max(share, 0), 1) * 100)
        let text = "\(percent < 10 ? " " : "")\(percent) %  \(step)"
        // 79 columns: the last one would wrap on some terminals.
        write(String(text.prefix(79)))
    }

    func end() { write("") }

    private func write(_ text: String) {
        guard isTerminal else { return }
        last.withLock { last in
            guard text != last else { return }
            last = text
            try? FileHandle.standardError.write(contentsOf: Data("\r\u{1b}[K\(text)".utf8))
        }
    }
}
