import Foundation
import MinerNode
import Wire

/// What a person reads: results on standard output, complaints on standard error.
///
/// Much of it was written by others (a coordinator's refusal, a driver's name): no character of it may command the terminal.
enum Terminal {
    /// One line, at once: a step that takes long must not wait in a buffer.
    ///
    /// A reader that has seen enough (`adit … | head -1`) is no error: the rest is dropped, and the command does its work to the end.
    static func say(_ line: String) { show(plain(line) + "\n") }

    /// As it stands, without a line's end: for what moves the cursor or the page.
    static func show(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    static func complain(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((plain(line) + "\n").utf8))
    }

    private static func plain(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A }) { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { TerminalText.safe(String($0), most: .max) }.joined(separator: "\n")
    }

    static func complain(_ problem: Problem) {
        complain("adit: \(problem.detail) [\(problem.code.rawValue)]")
        if let hint = Hint.next(after: problem.code) { complain("      \(hint)") }
    }

    /// A canonical JSON line for scripts.
    static func emit(_ json: JSON) { show(json.canonicalString + "\n") }
}

/// What to do next, where the code alone tells.
enum Hint {
    static func next(after code: Problem.Code) -> String? {
        switch code {
        case .transportFailed: "Is the service running, and is its address right? `adit devnet` starts all of them here."
        case .timeout: "The other side did not answer in time; try again, or look at its log."
        case .insufficientBalance: "Look at it with `adit wallet balance`; on a devnet the client is funded from genesis."
        case .wrongPassphrase: "Passphrases can't be recovered: use a copy of the key file whose passphrase is known."
        case .badKeyFile: "A key file is made by `adit wallet new FILE` and is readable by its owner alone."
        case .noCapableWorker: "Start a worker that is large enough, or ask for less; `GET /network/state` shows who is there."
        case .backendUnavailable: "On Debian: apt-get install libopenblas-dev libdnnl-dev; `adit miner profile` says which libraries and devices are there."
        case .unknownBlob: "Upload the tensor first; `adit job submit` does it for you."
        default: nil
        }
    }
}
