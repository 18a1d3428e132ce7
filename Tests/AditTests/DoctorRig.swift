import Foundation
import Glibc
import Signing
import Testing
import Wire

/// A folder in which all is well for a miner, and whose parts a test breaks one at a time.
struct DoctorRig {
    static let passphrase = "nobody may ever read this"
    /// Of RFC 8032, test 1: any point will do.
    static let coordinatorKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

    let folder: URL
    let coordinator: FakeService
    let node: FakeService
    /// Text of `.env`.
    private(set) var settings: String

    static func state(chain: String = "ait-devnet", largest: Int = 1_048_576) -> String {
        """
        {"chainId":"\(chain)","coordinatorPublicKey":"\(coordinatorKey)","height":5,"pricePerUnit":50,"maxBlobBytes":\(largest),"workers":{},\
        "draining":0,"f32FlopsPerSecond":0,"jobs":{}}
        """
    }

    static func with<Value>(_ body: (DoctorRig) async throws -> Value) async throws -> Value {
        try await Program.inFolder { folder in
            let coordinator = try FakeService(.init(bodies: ["/network/state": (200, state())]))
            let node = try FakeService(
                .init(bodies: [
                    "/rpc/params": (200, "{\"chain_id\":\"ait-devnet\",\"coordinators\":[\"\(coordinatorKey)\"]}"),
                    "/rpc/health": (200, "{\"status\":\"ok\",\"height\":5,\"chain_id\":\"ait-devnet\"}"),
                ]))
            defer {
                coordinator.stop()
                node.stop()
            }
            let settings = """
                PASSPHRASE_FILE=./pass
                MINER_KEY=./miner.key
                MINER_DATA=./data
                MINER_BIND=127.0.0.1:0
                MINER_OPENCL=off
                COORDINATOR_URL=\(coordinator.url)
                NODE_URL=\(node.url)

                """
            let rig = DoctorRig(folder: folder, coordinator: coordinator, node: node, settings: settings)
            try rig.write(settings, ".env", mode: 0o644)
            try rig.write(passphrase, "pass")
            // Sealed lightly: that a key of the usual strength takes half a second to open is no matter here, and it is opened a hundred times.
            try KeyFile.create(
                at: folder.appending(path: "miner.key").path, key: PrivateKey.generate(), passphrase: Passphrase(text: passphrase), strength: .tests)
            return try await body(rig)
        }
    }

    func write(_ text: String, _ name: String, mode: mode_t = 0o600) throws {
        let file = folder.appending(path: name)
        try Data(text.utf8).write(to: file)
        unsafe Glibc.chmod(file.path, mode)
    }

    /// `adit doctor --json` in a shell, after `script`.
    func findings(after script: String = "") async throws -> [JSON] {
        let outcome = try await Program.shell("\(script)\n'\(Program.url.path)' doctor --json > findings.json 2> complaints", in: folder)
        let bytes = Array(try Data(contentsOf: folder.appending(path: "findings.json")))
        let complaints = try String(contentsOf: folder.appending(path: "complaints"), encoding: .utf8)
        let json = try JSON.parse(bytes.isEmpty ? Array("{}".utf8) : bytes, reals: true)
        let findings = try #require(json["findings"]?.arrayValue, "\(outcome.complaints) \(complaints)")
        #expect(outcome.status == (findings.contains { $0["state"] == "broken" } ? 1 : 0))
        return findings
    }
}
