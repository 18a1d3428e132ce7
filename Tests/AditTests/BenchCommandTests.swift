import Foundation
import Kernels
import Profiler
import Signing
import Testing
import Wire

/// `adit bench` on files of others: what is signed, what was changed, who signed it.
@Suite struct BenchCommandTests {
    private static let row = RateRow(
        device: "cpu", backend: "cpu", kind: .gemm, arithmetic: .f32Panel256, size: [2_048, 2_048, 2_048], perSecond: 400_000_000_000,
        peakPerSecond: 500_000_000_000, peakName: "avx512 fma f32", shareMillionths: 800_000, rounds: 5, spreadMillionths: 10_000, work: 17_179_869_184,
        trafficBytes: 50_331_648)

    private static func document(_ rows: [RateRow] = [row]) -> BenchDocument {
        BenchDocument(
            at: 1_795_822_200, softwareVersion: "0.1.0",
            machine: BenchMachine(cpu: "Test <b>CPU</b>", cores: 2, isa: [], memoryBytes: nil, devices: [], blasCore: nil),
            rates: RateTable(rows: rows, threads: 2, isQuick: false), products: [])
    }

    private func write(_ file: BenchFile, _ name: String, in folder: URL) throws {
        try Data(file.json.canonicalBytes).write(to: folder.appending(path: name))
    }

    @Test("More threads than processors are refused, as in adit miner set") func threads() async throws {
        try await Program.inFolder { folder in
            for command in [["bench", "--quick"], ["bench", "gemm"], ["miner", "profile", "--quick"]] {
                let refused = try await Program.run(command + ["--threads", "1000"], in: folder)
                #expect(refused.status == 1 && refused.complaints.contains("Lower threads"), "\(command): \(refused.complaints)")
            }
        }
    }

    @Test("A certificate holds, and says who signed it; another signer, a change, a cut are refused") func verify() async throws {
        let key = try PrivateKey.generate()
        try await Program.inFolder { folder in
            try write(BenchFile(Self.document(), key: key), "a.json", in: folder)
            let good = try await Program.run(["bench", "--verify", "a.json", "--address", key.address.text], in: folder)
            #expect(good.status == 0, "\(good.complaints)")
            #expect(good.output.contains("signature  holds: \(key.address.text)"))
            #expect(good.output.contains("F32 product 2048"))
            #expect(good.output.split(separator: "\n").allSatisfy { $0.count <= 80 })

            let other = try await Program.run(["bench", "--verify", "a.json", "--address", try PrivateKey.generate().address.text], in: folder)
            #expect(other.status == 1 && other.complaints.contains("[bad_signature]"))

            let text = try String(contentsOf: folder.appending(path: "a.json"), encoding: .utf8)
            try Data(text.replacing("400000000000", with: "900000000000").utf8).write(to: folder.appending(path: "b.json"))
            let changed = try await Program.run(["bench", "--verify", "b.json"], in: folder)
            #expect(changed.status == 1 && changed.complaints.contains("[bad_signature]"))
            try Data(text.utf8.prefix(200)).write(to: folder.appending(path: "c.json"))
            #expect(try await Program.run(["bench", "--verify", "c.json"], in: folder).complaints.contains("[bad_json]"))

            try write(BenchFile(Self.document()), "plain.json", in: folder)
            let plain = try await Program.run(["bench", "--verify", "plain.json"], in: folder)
            #expect(plain.status == 1 && plain.complaints.contains("not signed"))
        }
    }

    @Test("Files are shown, compared and made into pages without measuring") func files() async throws {
        let key = try PrivateKey.generate()
        try await Program.inFolder { folder in
            try write(BenchFile(Self.document(), key: key), "then.json", in: folder)
            let faster = RateRow(
                device: "cpu", backend: "cpu", kind: .gemm, arithmetic: .f32Panel256, size: Self.row.size, perSecond: 500_000_000_000, rounds: 1,
                spreadMillionths: 0, work: Self.row.work, trafficBytes: Self.row.trafficBytes)
            try write(BenchFile(Self.document([faster])), "now.json", in: folder)
            let compared = try await Program.run(["bench", "--from", "now.json", "--compare", "then.json"], in: folder)
            #expect(compared.status == 0, "\(compared.complaints)")
            #expect(compared.output.contains("1.25") && compared.output.contains("signed by \(key.address.text)"))
            let page = try await Program.run(["bench", "--from", "then.json", "--html", "a.html", "--json"], in: folder)
            #expect(page.status == 0, "\(page.complaints)")
            let html = try String(contentsOf: folder.appending(path: "a.html"), encoding: .utf8)
            #expect(html.contains("Test &lt;b&gt;CPU&lt;/b&gt;") && html.contains(key.address.text) && html.contains("<svg"))
            // What --json prints can be read again.
            #expect(try BenchFile(bytes: [UInt8](page.output.utf8)).signer == key.publicKey)
        }
    }

    @Test("Flags that don't go together are wrong usage", arguments: [["--replay"], ["--verify", "a", "--quick"], ["--from", "a", "--certificate", "b"]])
    func usage(flags: [String]) async throws {
        try await Program.inFolder { folder in
            let outcome = try await Program.run(["bench"] + flags, in: folder)
            #expect(outcome.status == 2)
        }
    }

    @Test("A self-test has a line for each part, and fails with the remedy") func selfTest() async throws {
        try await Program.inFolder { folder in
            let parts = ["self-test", "--only", "hash", "--only", "signature", "--only", "disk"]
            let good = try await Program.run(parts + ["--data", "there"], in: folder)
            #expect(good.status == 0, "\(good.complaints)")
            #expect(good.output.contains("SHA-256") && good.output.contains("ed25519") && good.output.contains("all 3 passed"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "there").path).isEmpty)
            // A folder cannot be made below a file.
            _ = FileManager.default.createFile(atPath: folder.appending(path: "file").path, contents: nil)
            let bad = try await Program.run(parts + ["--data", "file/there"], in: folder)
            #expect(bad.status == 1)
            #expect(bad.output.contains("FAILED") && bad.output.contains("1 of 3 failed") && bad.output.contains("df -h"))
            #expect(try await Program.run(["self-test", "--only", "luck"], in: folder).status == 2)
        }
    }
}
