import Glibc

/// People at the machine: sessions, and the time since something was typed in each.
struct Sessions: Sendable {
    /// One session of a person.
    struct Session: Sendable, Equatable {
        /// Its terminal, from `/dev` on: `pts/3`; nil for a desktop.
        let terminal: String?
        /// The login manager's name of a desktop's session.
        let desktop: String?
    }

    /// How often the login manager is asked about desktops: a process is started for it.
    private static let pause: Duration = .seconds(15)
    /// Within this time a person is surely there, whatever a silent session's state may be.
    private static let recent = 300.0

    private let files: KernelFiles
    private let loginctl: String
    private var answers: [String: Double?] = [:]
    private var askedAt: Duration?

    /// - Parameter loginctl: systemd's program, by its whole path.
    init(_ files: KernelFiles, loginctl: String) { (self.files, self.loginctl) = (files, loginctl) }

    /// Seconds since somebody typed or moved something, over all sessions; infinity where nobody is logged in; nil where neither `utmp` nor
    /// systemd says who is, or a desktop's state can't be known.
    ///
    /// - Parameters:
    ///   - wallClock: Unix seconds, as files' times are.
    ///   - now: monotonic.
    mutating func secondsSinceUser(wallClock: Double, now: Duration) -> Double? {
        guard let sessions = list() else { return nil }
        askAboutDesktops(sessions, now)
        let idle = sessions.map { session -> Double? in
            if let terminal = session.terminal { return lastUse(of: terminal).map { max(0, wallClock - $0) } }
            return session.desktop.flatMap { answers[$0] ?? nil }
        }
        let known = idle.compactMap(\.self).min()
        guard idle.contains(nil) else { return known ?? .infinity }
        return known.flatMap { $0 < Self.recent ? $0 : nil }
    }

    /// Sessions by systemd's files and by utmp, each terminal once; nil where there is neither.
    private func list() -> [Session]? {
        let folder = "/run/systemd/sessions"
        let utmp = ["/run/utmp", "/var/run/utmp"].lazy.compactMap { try? files.bytes($0) }.first
        guard utmp != nil || files.exists(folder) else { return nil }
        var sessions: [Session] = []
        for id in files.names(in: folder) {
            guard let text = files.text("\(folder)/\(id)"), let session = Self.session(id, text: text) else { continue }
            sessions.append(session)
        }
        let terminals = Set(sessions.compactMap(\.terminal))
        return sessions + Self.terminals(utmp: utmp ?? []).subtracting(terminals).sorted().map { Session(terminal: $0, desktop: nil) }
    }

    /// A person's session that is not closing, from systemd's file about it.
    static func session(_ id: String, text: String) -> Session? {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        guard values["CLASS"] == "user", values["STATE"] != "closing" else { return nil }
        if ["x11", "wayland", "mir"].contains(values["TYPE"]) { return Session(terminal: nil, desktop: id) }
        return values["TTY"].flatMap { isTerminal($0) ? Session(terminal: String($0), desktop: nil) : nil }
    }

    /// The terminals of logged-in people in the bytes of `utmp`.
    ///
    /// Source: utmp(5): records of one size, in which a 16-bit type (7: a user's process) stands first and the terminal's 32 bytes at 8.
    static func terminals(utmp bytes: [UInt8]) -> Set<String> {
        let size = MemoryLayout<utmpx>.stride
        var terminals: Set<String> = []
        for start in stride(from: 0, through: bytes.count - size, by: size) where bytes[start] == UInt8(USER_PROCESS) && bytes[start + 1] == 0 {
            let name = String(decoding: bytes[start + 8..<start + 40].prefix { $0 != 0 }, as: UTF8.self)
            if isTerminal(name[...]) { terminals.insert(name) }
        }
        return terminals
    }

    /// `tty2`, `pts/3`; not `:0`, which is a desktop, and nothing that leads out of `/dev`.
    private static func isTerminal(_ name: Substring) -> Bool {
        (name.hasPrefix("tty") || name.hasPrefix("pts/"))
            && name.dropFirst(3).utf8.allSatisfy { $0 == UInt8(ascii: "/") || ($0 > 32 && $0 != UInt8(ascii: ".") && $0 < 127) }
    }

    /// When a terminal was last typed on, in Unix seconds. The kernel notes it every eight seconds.
    private func lastUse(of terminal: String) -> Double? {
        var status = Glibc.stat()
        guard unsafe fstatat(AT_FDCWD, files.root + "/dev/" + terminal, &status, 0) == 0 else { return nil }
        return Double(status.st_atim.tv_sec)
    }

    /// A desktop's idle hint comes from the login manager alone.
    private mutating func askAboutDesktops(_ sessions: [Session], _ now: Duration) {
        let desktops = sessions.compactMap(\.desktop)
        guard !desktops.isEmpty else { return answers = [:] }
        if let askedAt, now - askedAt < Self.pause, now >= askedAt { return }
        askedAt = now
        answers = [:]
        for desktop in desktops {
            let question = ["show-session", desktop, "--property=IdleHint", "--property=IdleSinceHintMonotonic"]
            answers[desktop] = ChildAnswer.ask(loginctl, question, timeout: .seconds(1)).flatMap { Self.idle($0, uptime: Self.uptime) }
        }
    }

    /// Seconds of idleness in the login manager's answer.
    ///
    /// - Parameter uptime: `CLOCK_MONOTONIC`, in seconds.
    static func idle(_ answer: String, uptime: Double) -> Double? {
        let lines = answer.split(separator: "\n")
        if lines.contains("IdleHint=no") { return 0 }
        guard lines.contains("IdleHint=yes"), let line = lines.first(where: { $0.hasPrefix("IdleSinceHintMonotonic=") }),
            let microseconds = Double(line.dropFirst("IdleSinceHintMonotonic=".count)), microseconds > 0
        else { return nil }
        return max(0, uptime - microseconds / 1e6)
    }

    private static var uptime: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
