import Foundation
import Glibc
import Wire

/// A headless Chromium, spoken to over its debugging pipe: pages are loaded, buttons pressed, and complaints heard.
final class Browser {
    /// The program; nil where there is none.
    static let program: String? = {
        let named = ProcessInfo.processInfo.environment["CHROMIUM"].map { [$0] } ?? []
        let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        return (named + usual).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    struct Failure: Error, CustomStringConvertible { let description: String }

    private let process = Process()
    private let folder: String
    private let toBrowser: FileHandle
    private let fromBrowser: FileHandle
    private var received: [UInt8] = []
    private var lastID: Int64 = 0
    private var session = ""
    /// Errors and warnings of the console, uncaught exceptions, refused loads.
    private(set) var complaints: [String] = []

    /// Starts it with an empty profile and one blank page of so many pixels.
    init(width: Int = 1120, height: Int = 1400) async throws {
        guard let program = Self.program else { throw Failure(description: "there is no chromium") }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-browser-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["in", "out"] { guard unsafe mkfifo("\(folder)/\(name)", 0o600) == 0 else { throw Failure(description: "no pipe") } }
        // For reading and writing, so that opening waits for nobody.
        toBrowser = FileHandle(fileDescriptor: unsafe Glibc.open("\(folder)/in", O_RDWR | O_CLOEXEC), closeOnDealloc: true)
        fromBrowser = FileHandle(fileDescriptor: unsafe Glibc.open("\(folder)/out", O_RDWR | O_CLOEXEC | O_NONBLOCK), closeOnDealloc: true)
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c", "exec \"$0\" \"$@\" 3<\"in\" 4>\"out\"", program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
            "--user-data-dir=\(folder)/profile", "--window-size=\(width),\(height)", "about:blank",
        ]
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let targets = try await call("Target.getTargets")
        guard let page = targets["targetInfos"]?.arrayValue?.first(where: { $0["type"] == "page" })?["targetId"]?.stringValue else {
            throw Failure(description: "there is no page")
        }
        session = try await call("Target.attachToTarget", ["targetId": .string(page), "flatten": true])["sessionId"]?.stringValue ?? ""
        for domain in ["Runtime", "Log", "Page"] { _ = try await call("\(domain).enable") }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func open(_ url: String) async throws { _ = try await call("Page.navigate", ["url": .string(url)]) }

    /// The value of an expression of JavaScript; throws where it does.
    @discardableResult func evaluate(_ expression: String) async throws -> JSON {
        let answer = try await call("Runtime.evaluate", ["expression": .string(expression), "returnByValue": true, "awaitPromise": true, "userGesture": true])
        if let problem = answer["exceptionDetails"] { throw Failure(description: "\(expression): \(problem.canonicalString.prefix(500))") }
        return answer["result"]?["value"] ?? .null
    }

    /// Waits until an expression is true.
    func until(_ expression: String, upTo limit: Duration = .seconds(30)) async throws {
        let end = ContinuousClock.now + limit
        while try await evaluate("Boolean(\(expression))") != true {
            guard .now < end else { throw Failure(description: "waited for \(expression) in: \(try await evaluate("document.body.innerText"))") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A picture of the window, as PNG.
    func picture() async throws -> Data {
        let answer = try await call("Page.captureScreenshot", ["format": "png"])
        return Data(base64Encoded: answer["data"]?.stringValue ?? "") ?? Data()
    }

    /// One call of the DevTools protocol.
    @discardableResult func call(_ method: String, _ parameters: JSON = [:]) async throws -> JSON {
        lastID += 1
        let id = lastID
        var members: [(String, JSON)] = [("id", .integer(id)), ("method", .string(method)), ("params", parameters)]
        if !session.isEmpty { members.append(("sessionId", .string(session))) }
        try toBrowser.write(contentsOf: Data(JSON.object(JSONObject(distinct: members)).canonicalBytes + [0]))
        let end = ContinuousClock.now + .seconds(60)
        while true {
            guard let message = try next() else {
                guard .now < end, process.isRunning else { throw Failure(description: "\(method): the browser doesn't answer") }
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            note(message)
            guard message["id"]?.integerValue == id else { continue }
            if let error = message["error"] { throw Failure(description: "\(method): \(error.canonicalString)") }
            return message["result"] ?? [:]
        }
    }

    private func note(_ message: JSON) {
        let parameters = message["params"]
        switch message["method"]?.stringValue {
        case "Runtime.exceptionThrown": complaints.append(parameters?.canonicalString ?? "an exception")
        case "Log.entryAdded": complaints.append(parameters?["entry"]?.canonicalString ?? "an entry")
        case "Runtime.consoleAPICalled" where ["error", "warning", "assert"].contains(parameters?["type"]?.stringValue):
            complaints.append(parameters?.canonicalString ?? "a message")
        default: break
        }
    }

    /// The next message that has come as a whole.
    private func next() throws -> JSON? {
        while true {
            if let end = received.firstIndex(of: 0) {
                let message = Array(received[..<end])
                received.removeSubrange(...end)
                return try JSON.parse(message, reals: true)
            }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe read(fromBrowser.fileDescriptor, &buffer, buffer.count)
            guard count > 0 else { return nil }
            received += buffer[..<count]
        }
    }
}
