import Foundation
import Testing
import Wire

/// Secrets planted wherever somebody might put one: none of them is in the support file.
@Suite struct SupportBundleTests {
    @Test(.timeLimit(.minutes(2))) func noSecretIsInTheBundle() async throws {
        try await DoctorRig.with { rig in
            let made = try await Program.run(["wallet", "new", "plain.key", "--plain"], in: rig.folder)
            try #require(made.status == 0)
            let seed = try #require(try JSON.parse(Array(try Data(contentsOf: rig.folder.appending(path: "plain.key"))))["seed"]?.stringValue)
            try FileManager.default.createDirectory(at: rig.folder.appending(path: "data"), withIntermediateDirectories: true)
            try rig.write("data-token-7f3a", "data/token")
            try rig.write("admin-token-91c2", "admin.token")
            try rig.write("miner_password = conf-secret-55d1\nminer_jobs = \"conf secret 66e2\"\n", "adit.conf")
            for (name, value) in [
                ("ADMIN_TOKEN_FILE", "./admin.token"), ("MINER_SECRET", "dotenv-secret-03b7"), ("NODE_URL", "http://user:url-secret-18ac@127.0.0.1:1"),
                ("MINER_PAYOUT", seed), ("MINER_SCHEDULE", "abandon ability able about above absent absorb abstract absurd abuse access accident"),
            ] { try rig.set(name, value) }
            rig.coordinator.change { $0.bodies["/network/state"] = (400, "{\"code\":\"bad_request\",\"detail\":\"password=answer-secret-2f90 was sent\"}") }
            let environment = [
                "AWS_SECRET_ACCESS_KEY": "environment-secret-77aa", "DATABASE_URL": "postgres://me:database-secret-12cd@db/x",
                "PROPOSER_KEY": "./plain.key", "CREDENTIALS_DIRECTORY": rig.folder.path, "MY_PASSPHRASE": DoctorRig.passphrase,
            ]
            let outcome = try await Program.run(["doctor", "--bundle", "support.txt"], in: rig.folder, environment: environment)
            #expect(outcome.status == 1 && outcome.output.contains("support.txt is written"), "\(outcome.output)\(outcome.complaints)")
            let file = rig.folder.appending(path: "support.txt")
            #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? NSNumber == 0o600)
            let text = try String(contentsOf: file, encoding: .utf8)
            let raw = try #require(Hex.decode(seed))
            let secrets = [
                "data-token-7f3a", "admin-token-91c2", "conf-secret-55d1", "dotenv-secret-03b7", "url-secret-18ac", "answer-secret-2f90",
                "environment-secret-77aa",
                "database-secret-12cd", DoctorRig.passphrase, seed, seed.uppercased(), Data(raw).base64EncodedString(), "abandon ability",
                String(decoding: try Data(contentsOf: rig.folder.appending(path: "miner.key")), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
            ]
            for secret in secrets { #expect(!text.contains(secret), "\(secret)") }
            // And it is of use.
            for part in [
                "# Findings", "# Settings", "# Environment", "# System", "BROKEN  chain", "COORDINATOR_URL", "also set: ", "Max open files", "[removed]",
            ] {
                #expect(text.contains(part), "\(part) is missing from \(text)")
            }
            let again = try await Program.run(["doctor", "--bundle", "support.txt"], in: rig.folder)
            #expect(again.status == 1 && again.complaints.contains("support.txt exists"))
        }
    }
}
