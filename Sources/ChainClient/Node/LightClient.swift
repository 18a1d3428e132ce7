package import Ledger
package import Wire

/// Reads a chain's state from a node that need not be trusted: it follows the headers from a genesis that its user trusts,
/// and checks every answer against them.
///
/// What a node can still do is to keep quiet about the newest blocks; `chain.head.timestamp` tells how old an answer is.
package struct LightClient: Sendable {
    /// What has been followed so far.
    package private(set) var chain: LightChain
    private let node: NodeClient
    private let now: @Sendable () -> Int64

    /// - Parameter now: Unix seconds.
    package init(genesis: Genesis, node: NodeClient, now: @escaping @Sendable () -> Int64) throws(Problem) {
        chain = try LightChain(genesis: genesis)
        self.node = node
        self.now = now
    }

    /// Follows the node's blocks up to a height; what was followed stays, whatever comes.
    ///
    /// - Throws: why a block isn't the chain's next one, `not_found` where the node has none.
    package mutating func follow(to height: Int64) async throws(Problem) {
        while chain.head.height < height {
            let next = chain.head.height + 1
            guard let record = try await node.getBlock(height: next, full: true) else { throw Problem(.notFound, "the node has no block \(next)") }
            let block = try Block(record.json, chain: chain.chain)
            var bodies: [Transaction] = []
            for body in record.json["bodies"]?.arrayValue ?? [] { bodies.append(try Transaction(body)) }
            try chain.follow(block, bodies: bodies, now: now())
        }
    }

    /// A record after the node's head, or nil where its absence is proved.
    ///
    /// - Throws: `bad_answer` where the node's header is not the chain's, `wrong_state_root` where its proof doesn't hold.
    package mutating func record(_ key: RecordKey) async throws(Problem) -> Record? {
        let answer = try await node.proof(of: key)
        try await follow(to: answer.height)
        guard chain.head.height == answer.height, chain.head.hash == answer.hash else {
            throw Problem(.badAnswer, "the node's proof is about block \(answer.height), \(answer.hash), which is not the head that was followed")
        }
        return try answer.proof.record(under: chain.stateRoot)
    }
}
