import ChainClient
import Wire

/// Asks a node who it is before it is kept as a peer.
struct PeerCheck: Sendable {
    let http: HTTPClient

    /// The peer at a URL, if it is another node of the same chain. No redirects, five seconds, a bounded answer.
    ///
    /// - Throws: `wrong_chain` for another chain's node, `bad_request` for this node itself, `bad_answer`, or the transport's code.
    func peer(at url: BaseURL, of node: ChainNode) async throws(Problem) -> Peer {
        let limits = HTTPLimits(connect: .seconds(5), total: .seconds(5), answerBytes: 1 << 20)
        let answer = try await http.send(HTTPRequest(.get, url, path: "/p2p/peers", limits: limits)).json()
        let said = try Self.read(answer)
        guard said.chain == node.chain.text, said.genesis == node.genesisHash else {
            throw Problem(.wrongChain, "that node is of the chain \(said.chain) with genesis \(said.genesis)")
        }
        guard said.id != node.nodeID else { throw Problem(.badRequest, "that is this node itself") }
        return Peer(url: url.description, id: said.id)
    }

    private static func read(_ answer: JSON) throws(Problem) -> (id: String, chain: String, genesis: Digest) {
        do throws(Problem) {
            var fields = try JSONFields(answer, "peer")
            return (try fields.hex("id", bytes: 16), try ChainID(fields.string("chain_id", maxBytes: 64)).text, try fields.digest("genesis_hash"))
        } catch {
            throw Problem(.badAnswer, "there is no node of ours at that URL: \(error.detail)")
        }
    }
}
