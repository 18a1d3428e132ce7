import Foundation
import Testing

@testable import adit

/// The service manager's side of sd_notify(3): a real datagram socket.
@Suite struct ServiceManagerTests {
    @Test func addressesAndWatchdogsAreRead() {
        func manager(_ socket: String, _ more: [String: String] = [:]) -> ServiceManager? {
            ServiceManager(["NOTIFY_SOCKET": socket].merging(more) { $1 }, process: 7)
        }
        #expect(ServiceManager([:], process: 7) == nil)
        for bad in ["", "relative", "vsock:2:1234", "/", "@", "/" + String(repeating: "x", count: 107)] { #expect(manager(bad) == nil, "\(bad)") }
        #expect(manager("/run/notify") != nil && manager("@adit") != nil && manager("/" + String(repeating: "x", count: 106)) != nil)
        #expect(manager("/run/notify")?.watchdog == nil)
        #expect(manager("/run/notify", ["WATCHDOG_USEC": "3000000"])?.watchdog == .seconds(3))
        #expect(manager("/run/notify", ["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"])?.watchdog == .seconds(3))
        #expect(manager("/run/notify", ["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"])?.watchdog == nil)
        for bad in ["", "-1", "0", "x", "99999999999999999999"] { #expect(manager("/run/notify", ["WATCHDOG_USEC": bad])?.watchdog == nil) }
    }

    @Test func linesArriveInOneDatagram() async throws {
        try await Program.inFolder { folder in
            for name in [folder.appending(path: "notify").path, "@adit-test-\(UUID().uuidString)"] {
                let socket = try DatagramSocket(name)
                let manager = try #require(ServiceManager(["NOTIFY_SOCKET": name], process: 1))
                #expect(manager.tell(["READY=1", "STATUS=two\nlines"]))
                #expect(socket.received() == ["READY=1\nSTATUS=two lines"])
            }
            // Nobody listens: that ends nothing.
            #expect(ServiceManager(["NOTIFY_SOCKET": folder.appending(path: "nobody").path], process: 1)?.tell(["READY=1"]) == false)
        }
    }

    /// The built program: ready when it answers, alive by proof, stopping when it is told to; and no child or `/proc` knows the socket.
    @Test(.timeLimit(.minutes(2))) func aNodeTellsItsManager() async throws {
        try await Program.inFolder { folder in
            #expect(try await Program.run(["node", "init", "--plain"], in: folder).status == 0)
            let name = folder.appending(path: "notify").path
            let socket = try DatagramSocket(name)
            let environment = ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "600000"]
            let arguments = ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0", "--proposer-key", "data/proposer.key"]
            var heard: [String] = []
            try await Program.whileRunning(arguments, in: folder, environment: environment, until: "node_ready") { _, _ in
                while heard.count < 3 {
                    heard += socket.received()
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            heard += socket.received()
            #expect(heard[0].hasPrefix("READY=1\nWATCHDOG=1\nSTATUS="), "\(heard)")
            #expect(heard[1...2].allSatisfy { $0.hasPrefix("WATCHDOG=1\nSTATUS=") }, "\(heard)")
            #expect(heard.filter { $0.contains("READY=1") }.count == 1)
            #expect(heard.last?.hasPrefix("STOPPING=1") == true, "\(heard)")
        }
    }

    /// What doesn't answer gets no sign of life.
    @Test func silenceIsNotLife() async throws {
        try await Program.inFolder { folder in
            let name = folder.appending(path: "notify").path
            let socket = try DatagramSocket(name)
            let manager = try #require(ServiceManager(["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "300000"], process: 1))
            let answers = Answers([.notYet, .alive(status: "ok"), .silent("no"), .silent("no"), .alive(status: "ok again")])
            let life = ManagedLife(manager: manager, probe: { await answers.next() }, logger: try Logs(level: "critical").logger("test"))
            let task = Task { await life.run() }
            var heard: [String] = []
            while heard.count < 2 {
                heard += socket.received()
                try await Task.sleep(for: .milliseconds(5))
            }
            task.cancel()
            await task.value
            #expect(heard[0] == "READY=1\nWATCHDOG=1\nSTATUS=ok")
            #expect(heard[1] == "WATCHDOG=1\nSTATUS=ok again")
            // Both silences lay between the two.
            #expect(await answers.given >= 5)
            #expect((heard + socket.received()).contains("STOPPING=1\nSTATUS=stopping"))
        }
    }

    private actor Answers {
        private var left: [ServiceProbe.Outcome]
        private(set) var given = 0

        init(_ answers: [ServiceProbe.Outcome]) { left = answers }

        func next() -> ServiceProbe.Outcome {
            given += 1
            return left.isEmpty ? .notYet : left.removeFirst()
        }
    }
}

/// A Unix datagram socket that listens at a path, or at an abstract name that begins with @.
private final class DatagramSocket {
    private let descriptor: Int32

    init(_ name: String) throws {
        var bytes = Array(name.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (bytes[0] == 0 ? 0 : 1))
        let bound = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        guard descriptor >= 0, bound == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { close(descriptor) }

    /// What has arrived since the last question, a text for each datagram.
    func received() -> [String] {
        var texts: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return texts }
            texts.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}
