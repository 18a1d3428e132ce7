import Ledger
import Signing
import Testing
import Wire

/// Proofs of presence and absence, and what is refused in their place.
struct ProofTests {
    /// Accounts alone: their number decides how deep paths go.
    private func tree(_ count: Int) throws -> StateTree {
        try StateTree().updating(
            (0..<count).map { number in
                RecordChange(key: RecordKey(.meta, "r\(number)"), record: .meta(Int64(number)))
            })
    }

    /// Reads it as it goes over the wire, then checks it.
    private func check(_ proof: StateProof, _ root: Digest) throws -> Record? {
        let read = try StateProof(JSON.parse(proof.json.canonicalBytes))
        #expect(read == proof)
        return try read.record(under: root)
    }

    @Test(arguments: [0, 1, 2, 3, 10, 300])
    func everyRecordProvesPresentAndOthersAbsent(count: Int) throws {
        let tree = try tree(count)
        var ends: Set<String> = []
        for number in 0..<count { #expect(try check(tree.proof(of: RecordKey(.meta, "r\(number)")), tree.root) == .meta(Int64(number))) }
        for number in 0..<200 {
            let proof = tree.proof(of: RecordKey(number % 2 == 0 ? .meta : .account, "absent\(number)"))
            #expect(try check(proof, tree.root) == nil)
            switch proof.end {
            case .empty: ends.insert("empty")
            case .other: ends.insert("other")
            case .record: Issue.record("an absent record was found")
            }
        }
        if count == 0 { #expect(ends == ["empty"]) }
        if count == 1 { #expect(ends == ["other"]) }
        if count == 300 { #expect(ends == ["empty", "other"], "absence in both ways") }
    }

    @Test func aRealStatesRecordsProvePresent() throws {
        var world = try World()
        let quote = try world.quote()
        let payment = try world.open(quote)
        try world.run(world.submit(world.claim(quote, payment: payment)))
        for change in world.state.records { #expect(try check(world.state.tree.proof(of: change.key), world.state.root) == change.record) }
    }

    /// Every altered bit of a path, every altered value, every shorter or longer path leads elsewhere.
    @Test func nothingAlteredPasses() throws {
        let tree = try tree(40)
        func refused(_ proof: StateProof, _ what: String) { #expect(code { try proof.record(under: tree.root) } == .wrongStateRoot, "\(what)") }
        for id in ["r7", "r31", "nobody", "someone", "x1", "x2", "x3", "x4"] {
            let key = RecordKey(.meta, id)
            let proof = tree.proof(of: key)
            _ = try proof.record(under: tree.root)
            for (depth, sibling) in proof.siblings.enumerated() {
                for byte in 0..<32 {
                    var bytes = sibling.bytes
                    bytes[byte] ^= UInt8(1 << (byte % 8))
                    var siblings = proof.siblings
                    siblings[depth] = try #require(Digest(hex: Hex.encode(bytes)))
                    refused(StateProof(key: key, siblings: siblings, end: proof.end), "sibling \(depth), byte \(byte)")
                }
            }
            refused(StateProof(key: key, siblings: proof.siblings.dropLast(), end: proof.end), "shorter")
            refused(StateProof(key: key, siblings: proof.siblings + [.zero], end: proof.end), "longer")
            // An absent one's proof holds for every name whose path ends in the same place.
            if case .record = proof.end {
                refused(StateProof(key: RecordKey(.account, id), siblings: proof.siblings, end: proof.end), "another kind")
                refused(StateProof(key: RecordKey(.meta, id + "0"), siblings: proof.siblings, end: proof.end), "another id")
            }
            var ends: [StateProof.End] = [.record(5000), .empty, .other(path: key.path, value: .zero), .other(path: .zero, value: .zero)]
            // A present record's own leaf, shown as somebody else's, would prove its absence.
            if case .record(let value) = proof.end { ends.append(.other(path: key.path, value: value.canonicalDigest)) }
            if case .other(let path, let value) = proof.end { ends.append(.other(path: path, value: SHA256.hash(utf8: value.hex))) }
            for end in ends where end != proof.end { refused(StateProof(key: key, siblings: proof.siblings, end: end), "\(end)") }
            #expect(code { try proof.record(under: SHA256.hash(utf8: "root")) } == .wrongStateRoot)
        }
        let deep = StateProof(key: RecordKey(.meta, "r7"), siblings: Array(repeating: .zero, count: 257), end: .empty)
        #expect(code { try deep.record(under: tree.root) } == .wrongStateRoot)
    }

    @Test func documentsThatAreNoProofsAreRefused() throws {
        let proof = try tree(5).proof(of: RecordKey(.meta, "r1")).json
        let object = try #require(proof.objectValue)
        let other: JSON = ["path": .string(Digest.zero.hex), "value_hash": .string(Digest.zero.hex)]
        let cases: [(String, JSON)] = [
            ("kind", "coin"), ("kind", 1), ("siblings", "x"), ("siblings", ["x"]), ("siblings", .array(Array(repeating: .string(Digest.zero.hex), count: 257))),
            ("other", other), ("id", .null),
        ]
        for (name, value) in cases { #expect(code { try StateProof(.object(object.setting(name, to: value))) } != nil, "\(name)") }
    }
}
