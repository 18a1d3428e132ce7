import Ledger
import Wire

/// State proofs from a node that nobody trusts: whatever is accepted under a root is what the tree of that root holds.
enum FuzzProof {
    /// A tree of 20 records.
    private static let tree: StateTree? = accepted { () throws(Problem) in
        try StateTree().updating((0..<20).map { RecordChange(key: RecordKey(.meta, "r\($0)"), record: .meta(Int64($0))) })
    }

    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let tree, let json = accepted({ () throws(Problem) in try JSON.parse(bytes) }),
            let proof = accepted({ () throws(Problem) in try StateProof(json) })
        else { return }
        let again = accepted { () throws(Problem) in try StateProof(try JSON.parse(proof.json.canonicalBytes)) }
        try demand(again == proof, "an accepted proof reads back as another")
        let found: Record?
        do throws(Problem) { found = try proof.record(under: tree.root) } catch { return }
        // The same key's own proof, from the tree itself, says what is true.
        let truth = tree.proof(of: proof.key)
        try demand(truth.siblings == proof.siblings && truth.end == proof.end, "two proofs hold for \(proof.key.id)")
        let held: Record?
        do throws(Problem) { held = try truth.record(under: tree.root) } catch { throw FuzzTarget.Broken("the tree's own proof doesn't hold") }
        try demand(held == found, "a lie about \(proof.key.id) was proved")
    }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        guard let tree else { return [] }
        return [("present", "r7"), ("other", "nobody"), ("absent", "x1")].map { name, id in
            (name, tree.proof(of: RecordKey(.meta, id)).json.canonicalBytes)
        }
    }
}
