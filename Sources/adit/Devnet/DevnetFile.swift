import Foundation
import Ledger
import Signing
import Wire

/// `devnet.json`: all that a script needs to use a running devnet. Mode 0600; its keys are worth nothing, so seeds stand in it.
struct DevnetFile {
    let chain: ChainID
    let rpc: String
    let p2p: String
    let coordinator: String
    let miners: [String]
    let adminToken: String
    let keys: [(name: String, key: PrivateKey)]

    static func path(in folder: String) -> String { folder + "/devnet.json" }

    init(chain: ChainID, rpc: String, p2p: String, coordinator: String, miners: [String], adminToken: String, keys: [(name: String, key: PrivateKey)]) {
        self.chain = chain
        self.rpc = rpc
        self.p2p = p2p
        self.coordinator = coordinator
        self.miners = miners
        self.adminToken = adminToken
        self.keys = keys
    }

    func key(_ name: String) throws(Problem) -> PrivateKey {
        guard let entry = keys.first(where: { $0.name == name }) else { throw Problem(.badKeyFile, "devnet.json has no key \"\(name)\"") }
        return entry.key
    }

    /// Reads D/devnet.json. Throws `io_failed` when there is none: the devnet was never started there.
    static func load(_ folder: String) throws(Problem) -> DevnetFile {
        var fields = try JSONFields(try JSON.parse(Files.read(path(in: folder), limit: 1 << 20)), "devnet.json")
        var keys: [(name: String, key: PrivateKey)] = []
        for member in try fields.value("keys").objectValue?.members ?? [] {
            guard let key = member.value["seed"]?.stringValue.flatMap({ PrivateKey(seedHex: $0) }) else {
                throw Problem(.badKeyFile, "the key \"\(member.key)\" of devnet.json can't be read")
            }
            keys.append((member.key, key))
        }
        var miners: [String] = []
        for url in try fields.array("miners", maxCount: 1024) { miners.append(url.stringValue ?? "") }
        return DevnetFile(
            chain: try ChainID(fields.string("chain_id")), rpc: try fields.string("rpc"), p2p: try fields.string("p2p"),
            coordinator: try fields.string("coordinator"), miners: miners, adminToken: try fields.string("admin_token"), keys: keys)
    }

    func save(_ folder: String) throws(Problem) {
        try Files.write(Array((json.canonicalString + "\n").utf8), to: Self.path(in: folder), mode: 0o600)
    }

    private var json: JSON {
        [
            "chain_id": .string(chain.text), "rpc": .string(rpc), "p2p": .string(p2p), "coordinator": .string(coordinator),
            "miners": .array(miners.map { .string($0) }), "admin_token": .string(adminToken),
            "keys": .object(
                JSONObject(distinct: keys.map { ($0.name, ["address": .string($0.key.address.text), "seed": .string($0.key.seedHex)]) })),
        ]
    }
}
