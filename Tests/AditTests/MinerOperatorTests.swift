import Foundation
import Testing
import Wire

/// A running miner and its operator: commands that it obeys, limits that change while it runs.
@Suite struct MinerOperatorTests {
    /// A port that nobody has now; below those that outgoing connections get, one of which might have it a moment later.
    private static func freePort() throws -> Int {
        for port in (28_000..<32_000).shuffled() where port % 100 > 50 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port)).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let bound = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if bound { return port }
        }
        throw CocoaError(.featureUnsupported)
    }

    private static func status(_ options: [String], _ folder: URL) async throws -> JSON? {
        let outcome = try await Program.run(["miner", "status", "--json"] + options, in: folder)
        return outcome.status == 0 ? try JSON.parse(Array(outcome.output.utf8.dropLast()), reals: true) : nil
    }

    /// Asks until the answer is so; fails the test after two minutes: a miner measures its machine first.
    private static func until(_ what: String, _ options: [String], _ folder: URL, _ isSo: (JSON) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            if let answer = try await status(options, folder), isSo(answer) { return }
            try #require(ContinuousClock.now < deadline, "\(what)")
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    @Test(.timeLimit(.minutes(6))) func itObeysAndFollowsItsConfigFile() async throws {
        try await Program.inFolder { folder in
            func write(_ text: String) throws { try Data(text.utf8).write(to: folder.appending(path: "adit.conf"), options: .atomic) }
            let at = ["--miner", "127.0.0.1:\(try Self.freePort())"]
            _ = try await Program.run(["wallet", "new", "miner.key", "--plain"], in: folder)
            try await MeasuredMachine.copy(to: folder.appending(path: "m"))
            try write("# the cellar is cool\nminer_power = 200\nminer_opencl = off\n")
            // Nobody is at the coordinator's port: what an operator says counts all the same.
            let miner = try Background.start(
                ["miner", "run", "--bind", at[1], "--key", "miner.key", "--data", "m", "--coordinator", "http://127.0.0.1:1", "--threads", "1"],
                in: folder, environment: ["MINER_TREADS": "3"])
            defer { miner.stop() }
            try await Self.until("limits of the file and of the command line", at, folder) {
                $0["limits"]?["power"]?.stringValue == "200" && $0["limits"]?["threads"]?.stringValue == "1"
            }
            #expect(miner.said.contains("did you mean MINER_THREADS?"))

            let other = try await Program.run(["miner", "pause"] + at, in: folder)
            #expect(other.status == 1 && other.complaints.contains("--data FOLDER"), "\(other.complaints)")
            let nobody = try await Program.run(["miner", "pause", "--miner", "127.0.0.1:1", "--data", "m"], in: folder)
            #expect(nobody.status == 1 && nobody.complaints.contains("no miner answers at http://127.0.0.1:1"), "\(nobody.complaints)")
            for (command, mode) in [("pause", "paused"), ("resume", "working"), ("drain", "draining")] {
                let done = try await Program.run(["miner", command, "--data", "m", "--json"] + at, in: folder)
                #expect(done.status == 0, "\(done.complaints)")
                #expect(try JSON.parse(Array(done.output.utf8.dropLast()))["mode"]?.stringValue == mode)
            }
            #expect(try await Program.run(["miner", "drain", "--wait", "--data", "m"] + at, in: folder).output.hasSuffix("Nothing is held any more.\n"))
            #expect(try await Program.run(["miner", "resume", "--data", "m"] + at, in: folder).output.hasPrefix("It works again"))

            let set = try await Program.run(["miner", "set", "temperature=70", "power=", "threads=2", "opencl_memory_mb=64"], in: folder)
            #expect(set.status == 0, "\(set.complaints)")
            try await miner.wait(for: "config_changed", upTo: .seconds(30))
            #expect(miner.said.contains("\"changes\":\"opencl_memory_mb off -> 64; temperature off -> 70; power 200 -> off\""), "\(miner.said)")

            // A mistake is told, and changes nothing; nor does what the command line has said, nor what wants a restart.
            try write("miner_temprature = 60\nminer_opencl = off\n")
            try await miner.wait(for: "config_refused", upTo: .seconds(30))
            #expect(miner.said.contains("adit.conf:1: unknown key") && miner.said.contains("the limits of before stay in force"))
            #expect(try await Self.status(at, folder)?["limits"]?["temperature"]?.stringValue == "70")
            #expect(try await Program.run(["miner", "resume", "--data", "m"] + at, in: folder).status == 0, "a bad file keeps nobody from the miner")
            try write("miner_temperature = 65\nminer_opencl = off\nchain_id = other\n")
            try await miner.wait(for: "config_needs_restart", upTo: .seconds(30))
            try await Self.until("the new limit", at, folder) {
                $0["limits"]?["temperature"]?.stringValue == "65" && $0["limits"]?["threads"]?.stringValue == "1"
            }

            try await Self.until("the reason", at, folder) { $0["work"]?["reason"]?["code"]?.stringValue == "coordinator_unreachable" }
            let people = try await Program.run(["miner", "status"] + at, in: folder).output
            #expect(people.contains("reason     coordinator_unreachable: ") && people.contains("           -> is COORDINATOR_URL right"), "\(people)")
            #expect(people.contains("limits     temperature=65, threads=1"), "\(people)")
            #expect(people.split(separator: "\n").allSatisfy { $0.count <= 80 || $0.hasPrefix("services") }, "\(people)")
        }
    }
}
