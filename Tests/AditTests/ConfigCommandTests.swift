import Foundation
import Testing
import Wire

@Suite struct ConfigCommandTests {
    private static func write(_ text: String, _ name: String, _ folder: URL) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }
    private static func read(_ name: String, _ folder: URL) throws -> String { try String(contentsOf: folder.appending(path: name), encoding: .utf8) }

    /// What `config show` says of one setting: value and place.
    private static func shown(
        _ name: String, _ arguments: [String] = [], in folder: URL, environment: [String: String] = [:]
    ) async throws -> String? {
        let outcome = try await Program.run(["config", "show", "--json"] + arguments, in: folder, environment: environment)
        let settings = try JSON.parse(Array(outcome.output.utf8.dropLast()))["settings"]?.arrayValue ?? []
        guard let setting = settings.first(where: { $0["name"]?.stringValue == name }) else { return nil }
        return "\(setting["value"]?.stringValue ?? "?") from \(setting["from"]?.stringValue ?? "?")"
    }

    @Test func everyPlaceIsNamedInItsOrder() async throws {
        try await Program.inFolder { folder in
            #expect(try await Self.shown("MINER_JOBS", in: folder) == "off from default")
            try Self.write("# mine\nminer_jobs = 5\n", "adit.conf", folder)
            #expect(try await Self.shown("MINER_JOBS", in: folder) == "5 from adit.conf:2")
            try Self.write("miner_jobs = 6", "other.conf", folder)
            let other = ["ADIT_CONFIG": "other.conf"]
            #expect(try await Self.shown("MINER_JOBS", in: folder, environment: other) == "6 from other.conf:1")
            #expect(try await Self.shown("MINER_JOBS", ["--config", "adit.conf"], in: folder, environment: other) == "5 from adit.conf:2")
            try Self.write("\n\nMINER_JOBS=4\n", ".env", folder)
            #expect(try await Self.shown("MINER_JOBS", in: folder) == "4 from .env:3")
            #expect(try await Self.shown("MINER_JOBS", in: folder, environment: ["MINER_JOBS": "3"]) == "3 from environment")
            #expect(try await Self.shown("MINER_JOBS", ["--", "--jobs", "2"], in: folder, environment: ["MINER_JOBS": "3"]) == "2 from command line")

            let people = try await Program.run(["config", "show"], in: folder, environment: ["MINER_JOBS": "3"])
            #expect(people.status == 0, "\(people.complaints)")
            #expect(people.output.hasPrefix("config file: adit.conf\n"))
            #expect(people.output.contains("instead of 4 in .env:3\n") && people.output.contains("instead of 5 in adit.conf:2\n"))
            #expect(people.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(people.output)")
        }
    }

    /// A passphrase where its file's path belongs, or a password in a URL, isn't shown.
    @Test func secretsAreMasked() async throws {
        try await Program.inFolder { folder in
            try Self.write("passphrase_file = correct horse\nnode_url = https://me:horse@node.example\n", "adit.conf", folder)
            for arguments in [["config", "show"], ["config", "show", "--json"], ["config", "check"]] {
                let outcome = try await Program.run(arguments, in: folder, environment: ["ADMIN_TOKEN_FILE": "horse"])
                #expect(!outcome.output.contains("horse") && !outcome.complaints.contains("horse"), "\(outcome)")
            }
            #expect(try await Self.shown("PASSPHRASE_FILE", in: folder) == "*** (no such file) from adit.conf:1")
            #expect(try await Self.shown("NODE_URL", in: folder) == "https://***@node.example from adit.conf:2")
            try Self.write("", "pass", folder)
            #expect(try await Self.shown("PASSPHRASE_FILE", in: folder, environment: ["PASSPHRASE_FILE": "pass"]) == "pass from environment")
        }
    }

    @Test func allMistakesOfAFileAreSaidAtOnce() async throws {
        try await Program.inFolder { folder in
            try Self.write("miner_threds = 2\nminer_power = 0\nminer_temperature = 80\nminer_temperature_max = 75\nminer_jobs 3\n", "adit.conf", folder)
            let check = try await Program.run(["config", "check", "adit.conf"], in: folder)
            #expect(check.status == 1 && check.output.isEmpty)
            for words in [
                "adit.conf:1: unknown key \"miner_threds\"; did you mean \"miner_threads\"?",
                "adit.conf:2: MINER_POWER is \"0\"; it must be a number from 1 to 100000", "adit.conf:5: not name = value", "temperature_max (75)",
            ] {
                #expect(check.complaints.contains(words), "\(check.complaints)")
            }
            // A service names those that it can't pass over, all of them.
            let start = try await Program.run(["miner", "run"], in: folder)
            #expect(start.status == 2)
            #expect(start.complaints.contains("adit.conf:1: unknown key") && start.complaints.contains("adit.conf:5: not name"), "\(start.complaints)")
            // So are all values that can't be read, wherever they come from; those of other services are no business of this one.
            let values = try await Program.run(
                ["miner", "run", "--config", "/dev/null", "--power", "0"], in: folder, environment: ["MINER_JOBS": "x", "PRICE_PER_UNIT": "x"])
            #expect(values.status == 2 && !values.complaints.contains("PRICE_PER_UNIT"))
            #expect(values.complaints.contains("MINER_JOBS is \"x\"") && values.complaints.contains("--power is \"0\""), "\(values.complaints)")
            // What can be shown is shown.
            let show = try await Program.run(["config", "show"], in: folder)
            #expect(show.status == 1 && show.output.contains("miner_temperature_max") && show.complaints.contains("mistake: adit.conf:1"))

            try Self.write("miner_jobs = 3\n", "adit.conf", folder)
            #expect(try await Program.run(["config", "check"], in: folder).output == "adit.conf: 1 setting, no mistakes\n")
        }
    }

    @Test func aWrittenFileServesAndAnOldOneIsTakenOver() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["config", "init"], in: folder)
            #expect(made.status == 0 && made.output.contains("adit config check ./adit.conf"), "\(made.complaints)")
            #expect(try await Program.run(["config", "check"], in: folder).output == "adit.conf: 0 settings, no mistakes\n")
            let again = try await Program.run(["config", "init"], in: folder)
            #expect(again.status == 1 && again.complaints.contains("exists and is not overwritten"))

            try Self.write("{\"miner_threads\":2,\"chain_id\":\"x\"}", "old.json", folder)
            let taken = try await Program.run(["config", "init", "new.conf", "--from", "old.json"], in: folder)
            #expect(taken.status == 0 && taken.output.contains("2 values were taken over"), "\(taken.complaints)")
            let text = try Self.read("new.conf", folder)
            #expect(text.contains("#miner_threads = off\nminer_threads = 2\n") && text.contains("\nchain_id = x\n"))
            let set = try await Program.run(["miner", "set", "threads=3", "--config", "old.json"], in: folder)
            #expect(set.status == 1 && set.complaints.contains("adit config init --from old.json"), "\(set.complaints)")
        }
    }

    @Test func setChangesTheFileInPlace() async throws {
        try await Program.inFolder { folder in
            func set(_ changes: String..., environment: [String: String] = [:]) async throws -> Program.Outcome {
                try await Program.run(["miner", "set"] + changes, in: folder, environment: environment)
            }
            let none = try await set("jobs=2")
            #expect(none.status == 1 && none.complaints.contains("write one with: adit config init adit.conf"), "\(none.complaints)")

            let start = "# mine\nminer_temperature = 75 # the fan is loud above\n\nchain_id = x\n"
            try FileManager.default.createDirectory(at: folder.appending(path: "real"), withIntermediateDirectories: true)
            try Self.write(start, "real/adit.conf", folder)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.appending(path: "real/adit.conf").path)
            try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "adit.conf").path, withDestinationPath: "real/adit.conf")

            let done = try await set("temperature=70", "idle-only=on", "MINER_JOBS=1")
            #expect(done.status == 0, "\(done.complaints)")
            #expect(done.output == "temperature: 75 -> 70\nidle_only: default (off) -> on\njobs: default (off) -> 1\n")
            let after = "# mine\nminer_temperature = 70 # the fan is loud above\n\nchain_id = x\nminer_idle_only = on\nminer_jobs = 1\n"
            #expect(try Self.read("real/adit.conf", folder) == after)
            // The link, and the mode of what it leads to, are as they were.
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.appending(path: "adit.conf").path) == "real/adit.conf")
            let mode = try FileManager.default.attributesOfItem(atPath: folder.appending(path: "real/adit.conf").path)[.posixPermissions] as? Int
            #expect(mode == 0o640)

            #expect(try await set("idle_only=", "jobs=").output.contains("idle_only: on -> default (off)\n"))
            #expect(try await set("bind=127.0.0.1:9").output == "bind: default (127.0.0.1:8100) -> 127.0.0.1:9, taken up at the next start\n")
            let hidden = try await set("temperature=71", environment: ["MINER_TEMPERATURE": "60"])
            #expect(hidden.status == 0 && hidden.complaints.contains("MINER_TEMPERATURE is set in environment too"), "\(hidden.complaints)")
        }
    }

    @Test(arguments: [
        ("temprature=70", "did you mean temperature?"), ("temperature=hot", "it must be a number from 30 to 115"), ("temperature", "is not NAME=VALUE"),
        ("temperature_max=72", "temperature_max (72)"), ("rpc_bind=127.0.0.1:1", "the miner has no setting"), ("data=a\nminer_payout = b", "one line"),
        ("kernels=gem", "did you mean gemm?"), ("cores=4000-4001", "cores"), ("config=x", "the miner has no setting"),
    ])
    func setRefusesAndWritesNothing(change: String, words: String) async throws {
        try await Program.inFolder { folder in
            let text = "miner_temperature = 75\n"
            try Self.write(text, "adit.conf", folder)
            let outcome = try await Program.run(["miner", "set", "jobs=2", change], in: folder)
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.complaints.contains(words), "\(outcome.complaints)")
            #expect(try Self.read("adit.conf", folder) == text)
        }
    }

    /// Two at once: both changes are there in the end.
    @Test func setsAtOnceDoNotLoseEachOther() async throws {
        try await Program.inFolder { folder in
            try Self.write("", "adit.conf", folder)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for change in ["threads=1", "power=90", "jobs=2", "price_floor=3", "disk_mb=100"] {
                    group.addTask {
                        let outcome = try await Program.run(["miner", "set", change], in: folder)
                        #expect(outcome.status == 0, "\(outcome.complaints)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try Self.read("adit.conf", folder).split(separator: "\n").count == 5)
        }
    }

    @Test func misspeltVariablesAreWarnedOf() async throws {
        try await Program.inFolder { folder in
            try Self.write("COORDINATOR_ULR=http://127.0.0.1:1\n", ".env", folder)
            let show = try await Program.run(["config", "show"], in: folder, environment: ["MINER_TREADS": "2", "HTTP_PROXY": "x"])
            #expect(show.status == 0)
            #expect(show.complaints.contains("the environment has MINER_TREADS, which is no setting; did you mean MINER_THREADS?"))
            #expect(show.complaints.contains(".env:1 has COORDINATOR_ULR, which is no setting; did you mean COORDINATOR_URL?"))
            #expect(!show.complaints.contains("HTTP_PROXY"))
        }
    }

    @Test func reasonsSayWhatToDo() async throws {
        try await Program.inFolder { folder in
            let all = try await Program.run(["reasons"], in: folder)
            #expect(all.status == 0)
            #expect(all.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(all.output)")
            let one = try await Program.run(["reasons", "no_jobs", "--json"], in: folder)
            #expect(try JSON.parse(Array(one.output.utf8.dropLast()))["reasons"]?.arrayValue?.first?["kind"]?.stringValue == "no_work")
            let typo = try await Program.run(["reasons", "no_job"], in: folder)
            #expect(typo.status == 1 && typo.complaints.contains("did you mean no_jobs?"))
        }
    }
}
