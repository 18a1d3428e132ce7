import Foundation
import Logging
import Operations
import Wire

/// Follows the config file of a running miner: whoever edits it changes the limits.
///
/// The file is looked at once a second, which costs one `stat`, and read once it is at rest. A file with a mistake is reported, and the limits
/// of before stay. What isn't a limit is taken up at the next start, and that is said.
struct LimitWatch: Sendable {
    /// The file as it was given on the command line.
    let config: String?
    /// Options of the command line, by the setting's name: they go before the file, now as at the start.
    let flags: [String: String]
    let logger: Logger
    /// Is told of a file that can't be taken, for the miner to say so everywhere.
    var refused: @Sendable (Problem) -> Void
    var every = Duration.seconds(1)

    /// The limits after each change; ends when nobody listens any more.
    ///
    /// - Parameters:
    ///   - settings: as they were read at the start.
    ///   - limits: what was made of them.
    func changes(from settings: Settings, _ limits: OperatorLimits) -> AsyncStream<OperatorLimits> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                var state = State(settings: settings, limits: limits)
                var change = FileChange(settings.signature)
                while (try? await Task.sleep(for: every)) != nil {
                    guard change.look(FileSignature(settings.configPath)), let next = read(&state) else { continue }
                    continuation.yield(next)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private struct State {
        var settings: Settings
        var limits: OperatorLimits
    }

    /// The new limits; nil where they are as before, or can't be taken.
    private func read(_ state: inout State) -> OperatorLimits? {
        let (path, old) = (state.settings.configPath, state)
        do throws(Problem) {
            if old.settings.file != nil, FileSignature(path) == nil { throw Problem(.ioFailed, "\(path) is gone") }
            let settings = try Settings(configFile: config)
            let limits = try LimitSettings.limits(settings, flags: flags)
            if let contradiction = limits.contradictions(on: .here).first { throw contradiction }
            state = State(settings: settings, limits: limits)
        } catch {
            refused(Problem(error.code, "\(error.detail) (the limits of before stay in force)"))
            return nil
        }
        let waiting = Setting.all.filter { $0.services.contains(.miner) && !$0.isLive && old.settings.given($0) != state.settings.given($0) }
        if !waiting.isEmpty {
            logger.warning(
                "config_needs_restart", metadata: ["settings": "\(waiting.map(\.key).joined(separator: ", "))", "note": "taken up at the next start"])
        }
        guard state.limits != old.limits else { return nil }
        logger.notice("config_changed", metadata: ["changes": "\(Self.changes(from: old.limits, to: state.limits).joined(separator: "; "))"])
        return state.limits
    }

    /// `temperature 75 -> 70`.
    static func changes(from old: OperatorLimits, to new: OperatorLimits) -> [String] {
        zip(old.describe(), new.describe()).filter { $0.value != $1.value }.map { "\($0.name.rawValue) \($0.value) -> \($1.value)" }
    }
}
