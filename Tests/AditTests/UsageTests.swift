import Foundation
import Testing

/// Mistakes that are made before anything runs: what they are is said, and what to do.
@Suite struct UsageTests {
    private func write(_ text: String, _ name: String, _ folder: URL) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }

    /// A service manager doesn't start a program again that ends with 2.
    @Test(arguments: [
        (["miner", "run", "--threads", "lots"], [:], "--threads is \"lots\""),
        (["miner", "run", "--payout", "ait1nobody"], [:], "--payout is \"ait1nobody\""),
        (["miner", "run"], ["MINER_THREADS": "lots"], "MINER_THREADS is \"lots\""),
        (["node", "init", "--plain"], ["CHAIN_ID": "UPPER"], "CHAIN_ID is \"UPPER\""),
        (["wallet", "send", "ait1nobody", "1", "--chain-id=UPPER", "--key", "k"], [:], ""),
        (["coordinator", "run"], ["ADIT_CONFIG": "nowhere.conf"], "nowhere.conf"),
        (["node", "run"], [:], "adit node init"),
    ])
    func aMistakeInSettingsIsExitCode2(arguments: [String], environment: [String: String], words: String) async throws {
        try await Program.inFolder { folder in
            let outcome = try await Program.run(arguments, in: folder, environment: environment)
            guard !words.isEmpty else { return #expect(outcome.status != 0) }
            #expect(outcome.status == 2 && outcome.complaints.contains(words), "\(outcome.status): \(outcome.complaints)")
        }
    }

    @Test func anUnknownKeyOfTheConfigFileIsExitCode2() async throws {
        try await Program.inFolder { folder in
            try write("minr_threads = 4\n", "adit.conf", folder)
            for arguments in [["miner", "run"], ["job", "list", "--key", "k"], ["node", "init", "--plain"]] {
                let outcome = try await Program.run(arguments, in: folder)
                #expect(outcome.status == 2 && outcome.complaints.contains("adit.conf:1"), "\(arguments): \(outcome.status) \(outcome.complaints)")
            }
        }
    }

    @Test(arguments: [
        (["minr", "run"], "adit miner run"), (["job", "sumbit"], "adit job submit"), (["job", "submit", "gem", "--a", "x"], "adit job submit gemm"),
    ])
    func aSlipOfTheFingerIsMended(arguments: [String], meant: String) async throws {
        try await Program.inFolder { folder in
            let outcome = try await Program.run(arguments, in: folder)
            #expect(outcome.status == 2 && outcome.complaints.hasSuffix("Did you mean: \(meant)\n"), "\(outcome.complaints)")
        }
    }

    /// The line that `node init` prints starts a node that makes blocks.
    @Test func theNextLineWorks() async throws {
        try await Program.inFolder { folder in
            let made = try await Program.run(["node", "init", "--plain", "--genesis", "g.json", "--proposer-key", "p.key"], in: folder)
            let next = try #require(made.output.split(separator: "\n").first { $0.hasPrefix("Next: adit ") })
            let line = next.dropFirst("Next: adit ".count).split(separator: " ").map(String.init)
            #expect(line == ["node", "run", "--genesis", "g.json", "--proposer-key", "p.key"])
            try await Program.whileRunning(line + ["--rpc", "127.0.0.1:0", "--p2p", "127.0.0.1:0"], in: folder, until: "\"event\":\"block\"") { _, _ in }
        }
    }

    /// Everything about the files is looked at before a service is asked, let alone paid.
    @Test func filesAreLookedAtFirst() async throws {
        try await Program.inFolder { folder in
            _ = try await Program.run(["wallet", "new", "a.key", "--plain"], in: folder)
            try FileManager.default.createDirectory(at: folder.appending(path: "sub"), withIntermediateDirectories: true)
            // One row of four floats in NumPy's format, 1.0.
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }"
            let text = header + String(repeating: " ", count: 128 - 10 - header.utf8.count - 1) + "\n"
            var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
            bytes += [UInt8](repeating: 0, count: 16)
            try Data(bytes).write(to: folder.appending(path: "x.npy"))
            try write("PK\u{3}\u{4}0000000000", "x.npz", folder)
            try write("1,2,3,4,5,6\n", "x.csv", folder)
            let services = ["--key", "a.key", "--coordinator", "http://127.0.0.1:1", "--node", "http://127.0.0.1:1", "--wait"]
            func submit(_ input: String, _ out: String) async throws -> String {
                let line = ["job", "submit", "spec", "--type", "softmax", "--input", "x=\(input)", "--out", out]
                let outcome = try await Program.run(line + services, in: folder)
                #expect(outcome.status == 1)
                return outcome.complaints
            }
            for (input, out, words) in [
                ("x.npy", "none/y.npy", "there is no folder none"), ("x.npy", "sub", "sub is a folder"), ("x.npy", "sub/../x.npy", "is an input of this job"),
                ("x.npy", "/proc/y.npy", "/proc/y.npy can't be written: "), ("x.npz", "y.npy", "x.npz is an archive such as .npz"),
                ("x.csv", "y.npy", "x.csv is neither a .npy nor a safetensors file"), ("none.npy", "y.npy", "none.npy can't be opened: No such file"),
                ("x.npy#a", "y.npy", "x.npy is a .npy file"), ("x.npy", "y.npy", "[transport_failed]"),
            ] {
                let said = try await submit(input, out)
                #expect(said.contains(words), "\(input) \(out): \(said)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("y") }.isEmpty)
        }
    }
}
