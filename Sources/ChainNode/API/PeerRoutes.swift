import HTTPServing
import Hummingbird
import Wire

/// The peer listener's plain routes. Gossip will be a WebSocket on the same port.
struct PeerRoutes: Sendable {
    let node: ChainNode

    func add(to routes: Routes) {
        routes.get("/p2p/peers") { _, _ in
            let peers = await node.peers.map { JSON.object(JSONObject(distinct: [("url", .string($0.url)), ("id", .string($0.id))])) }
            return .json([
                "id": .string(node.nodeID), "chain_id": .string(node.chain.text), "genesis_hash": .string(node.genesisHash.hex),
                "peers": .array(peers),
            ])
        }
    }
}
