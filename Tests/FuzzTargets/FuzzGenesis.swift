import Ledger
import Signing
import Wire

/// `genesis.json`, which a node is given and a light client trusts: written as it was read, and its own block follows from it alone.
enum FuzzGenesis {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let json = accepted({ () throws(Problem) in try JSON.parse(bytes) }), let genesis = accepted({ () throws(Problem) in try Genesis(json) })
        else { return }
        guard let again = accepted({ () throws(Problem) in try Genesis(try JSON.parse(genesis.json.canonicalBytes)) }) else {
            throw FuzzTarget.Broken("an accepted genesis isn't read again")
        }
        try demand(again == genesis, "an accepted genesis reads back as another")
        for member in json.objectValue?.members ?? [] where member.key != "params" {
            try demand(genesis.json[member.key] == member.value, "\(member.key) is written otherwise than it was read")
        }
        for member in json["params"]?.objectValue?.members ?? [] {
            try demand(genesis.json["params"]?[member.key] == member.value, "the parameter \(member.key) is written otherwise than it was read")
        }
        // Balances were checked against max_supply, so that their sum is no overflow.
        let supply = genesis.accounts.values.reduce(0) { $0 &+ $1 }
        try demand((0...genesis.parameters[.maxSupply]).contains(supply), "more than the supply")
        let block = accepted { () throws(Problem) in try genesis.block() }
        let light = accepted { () throws(Problem) in try LightChain(genesis: genesis) }
        try demand((block == nil) == (light == nil), "a node and a light client do not agree on a genesis")
        if let block, let light {
            try demand(light.head == block.head && light.stateRoot == block.header.stateRoot, "a light client begins elsewhere")
            try demand(accepted { () throws(Problem) in try again.block() } == block, "the first block isn't stable")
        }
    }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let (client, miner) = (try PrivateKey(seed: [UInt8](repeating: 1, count: 32)), try PrivateKey(seed: [UInt8](repeating: 2, count: 32)))
        let chain = try ChainID("ait-fuzz")
        let whole = try Genesis(
            chain: chain, timestamp: 1_700_000_000, accounts: [client.address: 1_000_000, miner.address: 5],
            parameters: try Parameters(
                [.blockInterval: 1], authorities: [client.publicKey, miner.publicKey], coordinators: [miner.publicKey], admin: client.publicKey))
        let object = whole.json.objectValue
        let short = object.map { JSON.object($0.setting("params", to: ["block_interval_s": 2]).setting("accounts", to: [:])) }
        return [("whole", whole.json.canonicalBytes), ("short", short?.canonicalBytes ?? [])]
    }
}
