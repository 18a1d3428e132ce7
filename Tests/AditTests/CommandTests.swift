import Foundation
import Testing
import Wire

@Suite struct CommandTests {
    @Test func helpNamesEveryCommand() async throws {
        try await Program.inFolder { folder in
            let outcome = try await Program.run(["--help"], in: folder)
            #expect(outcome.status == 0)
            for command in ["devnet", "node", "coordinator", "miner", "wallet", "job", "inspect"] { #expect(outcome.output.contains("  \(command)")) }
        }
    }

    @Test(arguments: [
        ["nonsense"], ["job", "submit", "nope", "--a", "x", "--b", "y"], ["devnet", "--miners", "99"], ["wallet", "send"], ["job", "submit", "gemm"],
        ["job", "submit", "compute", "--values", "1"], ["job", "submit", "compute", "--operations", "sum"],
        ["job", "submit", "compute", "--values", "1", "--operations", "cube"], ["job", "submit", "compute", "--values", "1", "--operations", ""],
        ["job", "submit", "compute", "--values", "1", "--x", "a.npy", "--operations", "sum"], ["job", "quote", "nope"],
    ])
    func wrongUsageIsExitCode2(arguments: [String]) async throws {
        try await Program.inFolder { folder in
            let outcome = try await Program.run(arguments, in: folder)
            #expect(outcome.status == 2)
            #expect(outcome.complaints.contains("Usage:"))
        }
    }

    @Test func keysAreNeverOverwritten() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["wallet", "new", "a.key", "--plain", "--json"], in: folder)
            #expect(made.status == 0)
            let address = try #require(try JSON.parse(Array(made.output.utf8.dropLast()))["address"]?.stringValue)
            let again = try await Program.run(["wallet", "new", "a.key", "--plain"], in: folder)
            #expect(again.status == 1)
            #expect(again.complaints.contains("[key_file_exists]"))
            #expect(try await Program.run(["wallet", "address", "a.key"], in: folder).output.hasPrefix(address))
        }
    }

    @Test func aServiceThatIsNotThereIsSaidPlainly() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["wallet", "new", "a.key", "--plain"], in: folder)
            let outcome = try await Program.run(["wallet", "balance", "--key", "a.key", "--node", "http://127.0.0.1:1"], in: folder)
            #expect(outcome.status == 1)
            #expect(outcome.complaints.contains("[transport_failed]"))
            #expect(outcome.complaints.contains("adit devnet"))
        }
    }

    /// Command line, environment, `.env`, config file, default; and no silent mistakes in any of them.
    @Test func settingsHaveAnOrderAndNoTypos() async throws {
        try await Program.inFolder { folder in
            func chain(_ arguments: [String], _ environment: [String: String]) async throws -> String? {
                let genesis = "g-\(UUID().uuidString).json"
                let outcome = try await Program.run(
                    ["node", "init", "--plain", "--genesis", genesis, "--config", "config.json", "--json"] + arguments, in: folder, environment: environment)
                #expect(outcome.status == 0, "\(outcome.complaints)")
                return try JSON.parse(Array(outcome.output.utf8.dropLast()))["chain_id"]?.stringValue
            }
            func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }
            try write("{\"chain_id\":\"from-config\"}", "config.json")
            #expect(try await chain([], [:]) == "from-config")
            try write("# comment\nCHAIN_ID=\"from-dotenv\"\n", ".env")
            #expect(try await chain([], [:]) == "from-dotenv")
            #expect(try await chain([], ["CHAIN_ID": "from-environment"]) == "from-environment")
            #expect(try await chain(["--chain-id", "from-flag"], ["CHAIN_ID": "from-environment"]) == "from-flag")

            try write("{\"chian_id\":\"x\"}", "config.json")
            let typo = try await Program.run(["node", "init", "--plain", "--genesis", "t.json", "--config", "config.json"], in: folder)
            #expect(typo.status == 2)
            #expect(typo.complaints.contains("did you mean \"chain_id\"?"))
        }
    }

    @Test func aRunningNodeRefusesAnEnvironmentThatDisagrees() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["node", "init", "--plain"], in: folder, environment: ["MINT_PER_UNIT": "7", "COORDINATOR_RATIO": "0.01"])
            #expect(made.status == 0, "\(made.complaints)")
            let run = ["node", "run", "--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0"]
            let refused = try await Program.run(run, in: folder, environment: ["MINT_PER_UNIT": "8"])
            #expect(refused.status == 1)
            #expect(refused.complaints.contains("mint_per_unit"))
        }
    }

    /// Off loopback TLS is required, or the operator says otherwise aloud.
    @Test func aPublicBindIsADeliberateAct() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["node", "init", "--plain"], in: folder)
            for arguments in [
                ["node", "run", "--rpc", "0.0.0.0:0"], ["coordinator", "run", "--bind", "0.0.0.0:0", "--key", "data/coordinator.key"],
                ["miner", "run", "--coordinator", "http://198.51.100.1:8090"],
                ["wallet", "balance", "--key", "data/admin.key", "--node", "http://127.example.org:1"],
            ] {
                let outcome = try await Program.run(arguments, in: folder)
                #expect(outcome.status == 1, "\(arguments)")
                #expect(outcome.complaints.contains("[forbidden]"), "\(arguments): \(outcome.complaints)")
                #expect(outcome.complaints.contains("--insecure"))
            }
        }
    }
}
