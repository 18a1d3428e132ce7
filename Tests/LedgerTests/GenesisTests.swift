import Ledger
import Signing
import Testing
import Wire

struct GenesisTests {
    @Test func itSurvivesItsFile() throws {
        let world = try World([.burnBps: 77], funded: [(try World.key(2), 5)])
        let again = try Genesis(JSON.parse(world.genesis.json.canonicalBytes))
        #expect(again == world.genesis)
        #expect(try again.block() == world.genesis.block())
        #expect(again.supply == 1_000_005)
        let block = try again.block()
        #expect(block.json["proposer"] == "" && block.json["sig"] == "" && block.json["height"] == 0)
        #expect(block.header.parent == .zero && block.header.stateRoot == world.state.root)
        #expect(try Block(block.json, chain: world.chain) == block)
    }

    @Test func itsStateHoldsEveryParameterAndTheMeta() throws {
        let world = try World([.burnBps: 77])
        for parameter in Parameter.allCases {
            #expect(world.state[RecordKey(.param, parameter.rawValue)]?.json == .integer(parameter == .burnBps ? 77 : parameter.defaultValue))
        }
        #expect(Parameter.allCases.count == 16)
        #expect(world.state[RecordKey(.param, "authorities")]?.json == [.string(world.proposer.publicKey.hex)])
        #expect(world.state[RecordKey(.param, "coordinators")]?.json.arrayValue?.count == 2)
        #expect(world.state[RecordKey(.param, "admin")]?.json.stringValue?.count == 64)
        #expect(world.state[RecordKey(.meta, "supply")]?.json == 1_000_000)
        #expect(world.state[RecordKey(.meta, "minted")]?.json == 0)
        #expect(world.state[RecordKey(.meta, "burned")]?.json == 0)
        #expect(try LedgerState(records: world.state.records).root == world.state.root)
    }

    @Test func itIsStrict() throws {
        let object = try #require(World().genesis.json.objectValue)
        let key = try World.key(3)
        let bad: [(String, JSON, Problem.Code)] = [
            ("extra", 1, .unknownField), ("chain_id", "A", .wrongChain), ("params", ["mint": 1], .unknownField),
            ("params", ["burn_bps": 10_001], .outOfRange), ("params", ["block_interval_s": 0], .outOfRange), ("authorities", [], .outOfRange),
            ("authorities", [.string(key.publicKey.hex), .string(key.publicKey.hex)], .outOfRange), ("coordinators", ["00"], .badPublicKey),
            ("admin", .string(key.address.text), .badPublicKey), ("accounts", ["nobody": 5], .badAddress),
            ("accounts", .object(JSONObject(distinct: [(key.address.text, .string("5"))])), .notAnInteger),
            ("accounts", .object(JSONObject(distinct: [(key.address.text, .integer(9_000_000_000_000_001))])), .outOfRange),
            ("accounts", [], .wrongType), ("timestamp", "0", .wrongType),
        ]
        for (name, value, expected) in bad {
            #expect(code { try Genesis(.object(object.setting(name, to: value))) } == expected, "\(name)")
        }
        let sparse = try Genesis(.object(object.setting("params", to: [:])))
        #expect(sparse.parameters[.baseFee] == 10)
        let few = JSON.object(JSONObject(distinct: object.members.filter { $0.key != "admin" }.map { ($0.key, $0.value) }))
        #expect(code { try Genesis(few) } == .missingField)
    }

    @Test func aBrokenStoreIsNoticed() throws {
        var world = try World()
        try world.run(world.transfer(5, from: world.client, to: world.miner.address))
        var records = Array(world.state.records)
        let index = try #require(records.firstIndex { $0.key == RecordKey(.account, world.miner.address.text) })
        records[index] = RecordChange(key: records[index].key, record: .account(Account(address: world.miner.address, balance: 6)))
        #expect(code { try LedgerState(records: records) } == .supplyBroken)
        records.remove(at: index)
        #expect(code { try LedgerState(records: records) } == .supplyBroken)
        let without = world.state.records.filter { $0.key.id != "mint_window" }
        #expect(code { try LedgerState(records: without) } == .badParams)
        #expect(code { try Record(RecordKey(.account, world.client.address.text), Account(address: world.miner.address).json) } == .outOfRange)
    }
}
