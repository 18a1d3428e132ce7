import ChainNode
import Foundation
import Ledger
import Signing
import Wire

/// A devnet's folder: its keys, its genesis, and one folder or file for each service.
struct DevnetFolder {
    let path: String
    let genesis: Genesis
    let adminToken: String
    let client: PrivateKey
    let coordinator: PrivateKey
    let proposer: PrivateKey
    let admin: PrivateKey
    /// Pays for unsigned tasks.
    let sponsor: PrivateKey
    let miners: [PrivateKey]
    /// Whether there was a chain here already.
    let isOld: Bool

    /// What the client starts with: enough for some thousand jobs like the ones shown.
    static let clientFunds: Int64 = 1_000_000_000
    /// What the admin gives away through the faucet.
    static let adminFunds: Int64 = 1_000_000_000_000

    var chainDatabase: String { path + "/chain.db" }
    var coordinatorData: String { path + "/coordinator" }
    func minerData(_ index: Int) -> String { path + "/miner\(index)" }
    var log: String { path + "/devnet.log" }
    var work: String { path + "/tensors" }

    /// Opens the folder, making what is missing: an old chain goes on with its own keys.
    init(_ path: String, miners count: Int) throws(Problem) {
        self.path = path
        let keys = path + "/keys"
        try Files.makeFolder(keys)
        try Files.makeFolder(path + "/tensors")
        client = try KeyFile.loadOrCreate(keys + "/client.key")
        coordinator = try KeyFile.loadOrCreate(keys + "/coordinator.key")
        proposer = try KeyFile.loadOrCreate(keys + "/proposer.key")
        admin = try KeyFile.loadOrCreate(keys + "/admin.key")
        sponsor = try KeyFile.loadOrCreate(keys + "/sponsor.key")
        var miners: [PrivateKey] = []
        for index in 0..<count { miners.append(try KeyFile.loadOrCreate(keys + "/miner\(index).key")) }
        self.miners = miners
        adminToken = try Self.token(keys + "/admin.token")
        let file = path + "/genesis.json"
        isOld = FileManager.default.fileExists(atPath: file)
        if isOld {
            genesis = try GenesisBuilder.load(file)
        } else {
            var parameters = try EnvironmentParameters.read(try Settings().chainParameters)
            parameters[.blockInterval] = 1
            // The suffix keeps signatures of one devnet from holding on another.
            genesis = try GenesisBuilder.build(
                chain: try ChainID("ait-devnet-" + SecureRandom.hex(bytes: 4)), authorities: [proposer.publicKey], coordinators: [coordinator.publicKey],
                admin: admin.publicKey,
                accounts: [
                    client.address: Self.clientFunds, sponsor.address: Self.clientFunds,
                    admin.address: Self.adminFunds,
                ], parameters: parameters)
            try Files.write(Array((genesis.json.canonicalString + "\n").utf8), to: file)
        }
    }

    var namedKeys: [(name: String, key: PrivateKey)] {
        [("client", client), ("coordinator", coordinator), ("proposer", proposer), ("admin", admin), ("sponsor", sponsor)]
            + miners.enumerated().map { ("miner\($0.offset)", $0.element) }
    }

    private static func token(_ path: String) throws(Problem) -> String {
        if FileManager.default.fileExists(atPath: path) {
            return try Files.readSecret(path)
        }
        let token = SecureRandom.hex(bytes: 32)
        try Files.write(Array((token + "\n").utf8), to: path, mode: 0o600)
        return token
    }
}
