import Foundation
import HTTPServing
import Synchronization
import Wire

/// Where log lines go while the page has the terminal: into a file beside the miner's data, and the last ones to the page's details.
///
/// The file is begun anew at 8 MB, and the one before it kept. Where standard error isn't a terminal, lines go there as always.
final class LiveLog: Sendable {
    private static let most = 8 << 20
    private static let kept = 100

    private struct State {
        var handle: FileHandle?
        var bytes = 0
        var lines: [String] = []
        /// Whether the page has the terminal now.
        var isHidden = false
    }

    private let state = Mutex(State())
    private let path: String?

    /// nil where no page can be shown.
    ///
    /// - Parameter folder: the miner's. Where standard error is no terminal the file is left alone.
    init?(for environment: [String: String], folder: String) {
        guard LivePage.Looks.isPossible(environment) else { return nil }
        path = isatty(STDERR_FILENO) == 1 ? "\(folder)/miner.log" : nil
    }

    func write(_ line: [UInt8]) {
        let goesOn = state.withLock { state in
            state.lines.append(Self.brief(line))
            if state.lines.count > Self.kept { state.lines.removeFirst() }
            guard let path, state.isHidden else { return true }
            if state.handle == nil || state.bytes > Self.most { Self.open(path, &state) }
            guard let handle = state.handle, (try? handle.write(contentsOf: Data(line))) != nil else { return false }
            state.bytes += line.count
            return false
        }
        if goesOn { JSONLogHandler.standardError(line) }
    }

    /// The last lines, the newest last.
    var lines: [String] { state.withLock { $0.lines } }

    /// Before the page has the terminal, and once it is given back, lines are seen there.
    func hide(_ isHidden: Bool) { state.withLock { $0.isHidden = isHidden } }

    private static func open(_ path: String, _ state: inout State) {
        let files = FileManager.default
        try? state.handle?.close()
        let size = (try? files.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        if size > most {
            try? files.removeItem(atPath: path + ".1")
            try? files.moveItem(atPath: path, toPath: path + ".1")
        }
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        state.handle = descriptor >= 0 ? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true) : nil
        state.bytes = size > most ? 0 : size
    }

    /// Time, event and the rest, without the names that every line has.
    private static func brief(_ line: [UInt8]) -> String {
        guard let json = try? JSON.parse(line.last == 10 ? Array(line.dropLast()) : line, reals: true), case .object(let object) = json else {
            return String(decoding: line.prefix(300), as: UTF8.self)
        }
        let head = [json["time"]?.stringValue.map { String($0.dropFirst(11).prefix(8)) }, json["event"]?.stringValue].compactMap { $0 }
        let rest = object.members.filter { !["time", "event", "level", "component"].contains($0.key) }.map { member in
            "\(member.key)=\(member.value.stringValue ?? member.value.canonicalString)"
        }
        return String((head + rest).joined(separator: " ").prefix(400))
    }
}
