import Foundation
import TestSupport

/// What the scripts tell the tests through the environment; the defaults are those of the normal suite.
enum RigSettings {
    static func number(_ name: String, default value: Int) -> Int { text(name).flatMap { Int($0) } ?? value }

    static func text(_ name: String) -> String? { ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    static var seed: UInt64 { text("ADIT_RIG_SEED").flatMap { UInt64($0) } ?? 20_261_121 }

    /// The program: beside the test bundle, where the build put it, unless ADIT_RIG_PROGRAM names another.
    static let program: String = {
        if let path = text("ADIT_RIG_PROGRAM") { return path }
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "adit").path
    }()

    /// A line for the reader of a long run; the same goes to the file ADIT_RIG_REPORT where one is named.
    static func say(_ line: String) {
        print(line)
        guard let path = text("ADIT_RIG_REPORT") else { return }
        let bytes = Array((line + "\n").utf8)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        _ = unsafe write(descriptor, bytes, bytes.count)
        close(descriptor)
    }
}
