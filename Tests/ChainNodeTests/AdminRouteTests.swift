import ChainClient
import ChainNode
import HTTPServing
import Ledger
import Signing
import Testing
import Wire

/// The admin's routes: parameters and peers.
struct AdminRouteTests {
    let chain: TestChain
    let folder: TemporaryFolder
    private let token = [(name: "authorization", value: "Bearer \(TestChain.token)")]

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    @Test func parametersChangeByTheAdminsTransaction() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let client = NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http)
            let hash = try await client.setParameter(ParameterUpdate(.baseFee, 25), adminToken: TestChain.token)
            #expect(try await client.params()["base_fee"] == 10)
            await node.block()
            #expect(try await client.getTx(hash)?.status == .confirmed)
            #expect(try await client.params()["base_fee"] == 25)
            _ = try await client.setParameter(.coordinators([chain.miner.publicKey]), adminToken: TestChain.token)
            await node.block()
            #expect(try await client.params()["coordinators"]?.arrayValue == [.string(chain.miner.publicKey.hex)])
            let cases: [(String, Problem.Code)] = [
                (#"{"key":"base_fee","value":-1}"#, .notAnInteger), (#"{"key":"burn_bps","value":10001}"#, .outOfRange),
                (#"{"key":"nonsense","value":1}"#, .badParams), (#"{"key":"authorities","value":[]}"#, .outOfRange), (#"{"key":"base_fee"}"#, .missingField),
            ]
            for (body, code) in cases {
                try node.expectRefusal(try await node.send(.post, "/admin/paramSet", body: Array(body.utf8), headers: token), code)
            }
            let body = Array(#"{"key":"base_fee","value":1}"#.utf8)
            try node.expectRefusal(try await node.send(.post, "/admin/paramSet", body: body), .unauthorized)
            let metrics = try await client.metrics()
            #expect(metrics.contains(#"adit_transactions_total{status="confirmed",type="PARAM_UPDATE"} 2"#))
        }
    }

    @Test func peersAreCheckedKeptAndShown() async throws {
        let other = try TemporaryFolder()
        let strange = try TemporaryFolder()
        try await RunningNode.run(chain, at: other.database) { peer async throws in
            try await RunningNode.run(try TestChain(clientBalance: 5), at: strange.database) { stranger async throws in
                try await RunningNode.run(chain, at: folder.database) { node async throws in
                    func add(_ url: String, headers: [(name: String, value: String)]) async throws -> HTTPResponse {
                        let body = (["url": .string(url)] as JSON).canonicalBytes
                        return try await node.send(.post, "/admin/peers/add", body: body, headers: headers)
                    }
                    let url = "http://127.0.0.1:\(peer.ports.p2p)"
                    try node.expectRefusal(try await add(url, headers: []), .unauthorized)
                    #expect(try await add(url, headers: token).status == 200)
                    #expect(try await add(url + "/", headers: token).status == 200, "the same once more")
                    try node.expectRefusal(try await add("http://127.0.0.1:\(stranger.ports.p2p)", headers: token), .wrongChain)
                    try node.expectRefusal(try await add("http://127.0.0.1:\(node.ports.p2p)", headers: token), .badRequest)
                    #expect(try await add("http://127.0.0.1:\(peer.ports.rpc)", headers: token).status == 404, "an RPC port is not a peer's")
                    #expect(try await add("http://127.0.0.1:1", headers: token).status == 502)
                    try node.expectRefusal(try await add("ftp://127.0.0.1:1", headers: token), .badRequest)
                    let peers = try #require(try await node.get("/p2p/peers", p2p: true)["peers"]?.arrayValue)
                    #expect(peers.count == 1 && peers.first?["url"]?.stringValue == url)
                    #expect(peers.first?["id"] == (try await peer.get("/p2p/peers", p2p: true))["id"])
                }
            }
        }
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            #expect(try await node.get("/p2p/peers", p2p: true)["peers"]?.arrayValue?.count == 1, "kept over a restart")
            #expect(String(decoding: try await node.send(.get, "/rpc/metrics").body, as: UTF8.self).contains("adit_peers 1"))
        }
    }
}
