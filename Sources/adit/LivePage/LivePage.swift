import Dispatch
import Foundation
import Jobs
import MinerNode
import ServiceLifecycle
import Wire

/// The live page of `adit miner run`: looks at the miner once a second, writes what has changed, and takes keys.
///
/// It is a service beside the miner: when one ends, so does the other.
struct LivePage: Service {
    private enum Input: Sendable { case tick, key(UInt8), resized, stopped, continued, end }

    let panel: MinerPanel
    let terminal: RawTerminal
    let log: LiveLog
    let looks: Looks

    /// How the terminal wants it.
    struct Looks {
        var colours: Bool
        var isUnicode: Bool
        var secondsFromUTC: Int64

        /// Whether there is a terminal that a page can be shown on: `TERM=dumb` has no way to place a cursor, and a job in the background no screen.
        static func isPossible(_ environment: [String: String]) -> Bool {
            isatty(STDOUT_FILENO) == 1 && !["", "dumb"].contains(environment["TERM"] ?? "") && RawTerminal.isForeground
        }

        /// https://no-color.org: any value but the empty one turns colours off.
        init(_ environment: [String: String]) {
            colours = (environment["NO_COLOR"] ?? "").isEmpty
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
            isUnicode = ["utf-8", "utf8"].contains { locale.lowercased().contains($0) }
            secondsFromUTC = Int64(TimeZone.current.secondsFromGMT())
        }
    }

    func run() async throws {
        let (inputs, sink) = AsyncStream.makeStream(of: Input.self, bufferingPolicy: .bufferingNewest(64))
        let sources = Self.sources(sink, hasKeys: terminal.hasKeys)
        let ticking = Task {
            while !Task.isCancelled {
                sink.yield(.tick)
                try? await Task.sleep(for: .seconds(1))
            }
        }
        defer {
            ticking.cancel()
            for source in sources { source.cancel() }
            terminal.leave()
            log.hide(false)
            Terminal.complain("adit: the miner stops; leases that it holds are given back, and receipts go on at the next start")
        }
        log.hide(true)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await show(inputs)
            } onGracefulShutdown: {
                sink.yield(.end)
            }
        } onCancel: {
            sink.yield(.end)
        }
    }

    private func show(_ inputs: AsyncStream<Input>) async {
        var screen = TerminalScreen(colours: looks.colours)
        var page = TerminalPage(size: terminal.size)
        (page.isUnicode, page.secondsFromUTC) = (looks.isUnicode, looks.secondsFromUTC)
        var noticeEnds = ContinuousClock.now
        for await input in inputs {
            switch input {
            case .tick: if page.notice != nil, .now > noticeEnds { page.notice = nil }
            case .key(UInt8(ascii: "i")): page.showsDetails.toggle()
            case .end: return
            case .key(UInt8(ascii: "q")):
                // It ends the miner and not the page alone, which a key beside others may do only when it is meant.
                if page.notice == Self.asked { return }
                (page.notice, noticeEnds) = (Self.asked, .now + .seconds(4))
            case .key(12): screen.forget()  // Ctrl-L
            case .key(let key):
                guard let notice = await press(key) else { continue }
                (page.notice, noticeEnds) = (notice, .now + .seconds(4))
            case .resized: break
            case .stopped:
                terminal.leave()
                // The whole process, as the terminal wanted.
                kill(getpid(), SIGSTOP)
                continue
            case .continued:
                guard terminal.isEntered, RawTerminal.isForeground else { break }
                await terminal.resume()
                screen.forget()
            }
            guard RawTerminal.isForeground else { continue }
            if !terminal.isEntered {
                await terminal.enter()
                screen.forget()
            }
            page.size = terminal.size
            page.log = page.showsDetails ? log.lines : []
            let text = screen.update(to: page.lines(await view()), size: page.size)
            if !text.isEmpty { await terminal.write(text) }
        }
    }

    private func view() async -> MinerView {
        do throws(Problem) {
            return try await panel.view()
        } catch {
            return MinerView(
                now: Int64(Date().timeIntervalSince1970 * 1000), version: Version.text, state: error.code == .unavailable ? "starting" : error.detail)
        }
    }

    /// The answer to a first q, and for as long as it stands what makes the next one count.
    private static let asked = "q stops the miner: press it again; leases go back, receipts go on later"

    /// What a key comes to, in words; nil for a key that means nothing.
    private func press(_ key: UInt8) async -> String? {
        do throws(Problem) {
            switch key {
            case UInt8(ascii: "p"):
                try await panel.control.pause()
                return "paused: computing stops within a second or at the next checkpoint; r goes on"
            case UInt8(ascii: "r"):
                try await panel.control.resume()
                return "work is taken again"
            case UInt8(ascii: "d"):
                try await panel.control.drain()
                return "what is held is finished, nothing new is taken; r takes work again"
            default: return nil
            }
        } catch {
            return "not done: \(error.detail)"
        }
    }

    /// Keys, the window's size, and being stopped and continued.
    private static func sources(_ sink: AsyncStream<Input>.Continuation, hasKeys: Bool) -> [any DispatchSourceProtocol] {
        let queue = DispatchQueue(label: "adit.live-page")
        var sources: [any DispatchSourceProtocol] = []
        for (number, input) in [(SIGWINCH, Input.resized), (SIGTSTP, .stopped), (SIGCONT, .continued)] {
            // SIGTSTP's own doing, stopping at once, has to wait until the terminal is given back.
            if number == SIGTSTP { signal(number, SIG_IGN) }
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { sink.yield(input) }
            sources.append(source)
        }
        if hasKeys {
            let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
            source.setEventHandler {
                var bytes = [UInt8](repeating: 0, count: 64)
                let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
                guard count > 0 else { return source.cancel() }
                // An arrow or a function key comes as an escape sequence: its letters are no keys of ours.
                guard bytes[0] != 0x1B else { return }
                for byte in bytes.prefix(count) { sink.yield(.key(byte)) }
            }
            sources.append(source)
        }
        for source in sources { source.resume() }
        return sources
    }
}
