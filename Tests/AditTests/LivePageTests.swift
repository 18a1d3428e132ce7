import Foundation
import Signing
import Testing

/// The real program on a pseudoterminal, with nobody to work for: the page has to be there all the same.
@Suite("The live page of adit miner run", .serialized) struct LivePageTests {
    private static let arguments = [
        "miner", "run", "--coordinator", "http://127.0.0.1:9", "--node", "http://127.0.0.1:9", "--bind", "127.0.0.1:0", "--data", "m", "--key", "miner.key",
    ]

    /// Runs the miner in a terminal of this size, calls `body`, and gives back all that came on the screen after it has ended.
    ///
    /// - Parameter isFirst: whether the machine was never measured, so that the page is there while it is.
    private func onTerminal(
        _ environment: [String: String] = [:], _ more: [String] = [], rows: UInt16 = 24, columns: UInt16 = 80, isFirst: Bool = false,
        _ body: (Process, Pseudoterminal, () -> String) async throws -> Void
    ) async throws -> (screen: String, status: Int32, echoes: Bool) {
        try await Program.inFolder { folder in
            let terminal = try Pseudoterminal()
            try terminal.resize(rows: rows, columns: columns)
            let process = Process()
            process.executableURL = Program.url
            process.arguments = Self.arguments + more
            process.currentDirectoryURL = folder
            let usual = ["TERM": "xterm-256color", "LANG": "C.UTF-8", "MINER_OPENCL": "off"]
            process.environment = Program.environment(usual.merging(environment) { $1 })
            try Data("a passphrase for a test".utf8).write(to: folder.appending(path: "passphrase"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.appending(path: "passphrase").path)
            try Data("PASSPHRASE_FILE=passphrase\n".utf8).write(to: folder.appending(path: ".env"))
            if !isFirst {
                try await MeasuredMachine.copy(to: folder.appending(path: "m"))
                let passphrase = try Passphrase(text: "a passphrase for a test")
                try KeyFile.create(at: folder.appending(path: "miner.key").path, key: .generate(), passphrase: passphrase, strength: .tests)
            }
            for keyPath in [\Process.standardInput, \.standardOutput, \.standardError] as [ReferenceWritableKeyPath<Process, Any?>] {
                process[keyPath: keyPath] = terminal.terminal
            }
            try process.run()
            defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
            var screen = ""
            let look = { () -> String in
                screen += terminal.echoed()
                return screen
            }
            try await body(process, terminal, look)
            try await until("it ends", look) { _ in !process.isRunning }
            return (look(), process.terminationStatus, terminal.echoes)
        }
    }

    private func until(_ what: String, upTo limit: Duration = .seconds(60), _ look: () -> String, _ isSo: (String) -> Bool) async throws {
        let end = ContinuousClock.now + limit
        while !isSo(look()) {
            try #require(.now < end, "waited for: \(what): \(look().suffix(3000))")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Presses q twice, the second time when it is asked for.
    private func quit(_ terminal: Pseudoterminal, _ look: () -> String) async throws {
        let before = look().count
        try terminal.press("q")
        try await until("a question", look) { Self.read(String($0.dropFirst(before))).contains("press it again") }
        try terminal.press("q")
    }

    /// What a person reads: without colours.
    private static func read(_ screen: String) -> String { screen.replacing(/\u{1B}\[[0-9;]*m/, with: "") }

    private static let enter = "\u{1B}[?1049h"
    private static let leave = "\u{1B}[?1049l"

    @Test("Shows itself, takes keys and a new size, and leaves the terminal as it was") func keys() async throws {
        let (screen, status, echoes) = try await onTerminal(isFirst: true) { process, terminal, look in
            try await until("the page", look) { $0.contains(Self.enter) && Self.read($0).contains("q quit") }
            #expect(!terminal.echoes)
            // The chain's name is there once the miner has begun; before that a key is answered with just that.
            try await until("a miner", look) { $0.contains("ait-devnet") }
            try terminal.press("p")
            try await until("a pause", look) { $0.contains("paused") }
            try terminal.press("i")
            try await until("details", look) { $0.contains("payout") && Self.read($0).contains("i less") }
            let before = look().utf8.count
            try terminal.resize(rows: 30, columns: 100)
            kill(process.processIdentifier, SIGWINCH)
            try await until("a new size", look) { $0.utf8.dropFirst(before).count > 0 && String($0.utf8.dropFirst(before))?.contains("\u{1B}[2J") == true }
            // A first one asks, and what is pressed then means what it always means.
            try terminal.press("q")
            try await until("a question", look) { Self.read($0).contains("press it again") }
            try terminal.press("r")
            try await until("work", look) { Self.read($0).contains("work is taken again") }
            #expect(process.isRunning)
            try await quit(terminal, look)
        }
        #expect(status == 0 && echoes && screen.contains(Self.leave))
        let last = try #require(screen.components(separatedBy: Self.leave).last)
        #expect(last.contains("the miner stops"))
        let page = try #require(screen.components(separatedBy: Self.enter).last).components(separatedBy: Self.leave)[0]
        #expect(!page.contains("\"event\""), "log lines stay off the page")
    }

    @Test("Gives the terminal back on SIGTERM, on Ctrl-Z and on a fault", arguments: ["TERM", "TSTP", "SEGV", "ABRT"])
    func signals(_ name: String) async throws {
        let (screen, status, echoes) = try await onTerminal(isFirst: name == "TERM") { process, terminal, look in
            try await until("the page", look) { Self.read($0).contains("q quit") }
            let pid = process.processIdentifier
            switch name {
            case "TERM": kill(pid, SIGTERM)
            case "SEGV": kill(pid, SIGSEGV)
            case "ABRT": kill(pid, SIGABRT)
            default:
                kill(pid, SIGTSTP)
                try await until("it stands still", look) { $0.contains(Self.leave) && terminal.echoes }
                kill(pid, SIGCONT)
                try await until("it goes on", look) { $0.components(separatedBy: Self.enter).count == 3 && !terminal.echoes }
                kill(pid, SIGTERM)
            }
        }
        #expect(echoes && screen.contains(Self.leave) && screen.components(separatedBy: Self.enter).count == screen.components(separatedBy: Self.leave).count)
        #expect(status == (name == "SEGV" ? SIGSEGV : name == "ABRT" ? SIGABRT : 0))
    }

    @Test("Log lines where a page can't be or isn't wanted", arguments: [["TERM": "dumb"], ["TERM": ""], ["PLAIN": "1"]])
    func plain(_ environment: [String: String]) async throws {
        let (screen, _, _) = try await onTerminal(environment, environment["PLAIN"] == nil ? [] : ["--plain"]) { process, _, look in
            try await until("a log line", look) { $0.contains("\"component\":\"miner\"") }
            kill(process.processIdentifier, SIGTERM)
        }
        #expect(!screen.contains("\u{1B}"))
    }

    @Test("No colour where NO_COLOR is set, and ASCII where the locale has no more") func looks() async throws {
        let (screen, _, _) = try await onTerminal(["NO_COLOR": "1", "LANG": "C"]) { _, terminal, look in
            try await until("the page", look) { Self.read($0).contains("q quit") }
            try await quit(terminal, look)
        }
        let page = screen.components(separatedBy: Self.leave)[0]
        // What the terminal is left with, the sequence without a colour, may be there.
        #expect(!page.contains(/\u{1B}\[[1-9][0-9;]*m/) && page.contains("-----") && !page.contains("─"))
    }
}
