package import Wire

/// What lies at a record's place in a state tree, shown to anyone who knows the tree's root (PROTOCOL section 5).
package struct StateProof: Equatable, Sendable {
    /// What the key's path leads to.
    package enum End: Equatable, Sendable {
        /// The record itself.
        case record(JSON)
        /// An empty subtree.
        case empty
        /// The only record of that subtree, which has another key: its path in the tree, and the hash of its value.
        case other(path: Digest, value: Digest)
    }

    package let key: RecordKey
    /// The subtrees that the path passes by, from the root down; an empty one is 32 zero bytes.
    package let siblings: [Digest]
    package let end: End

    package init(key: RecordKey, siblings: [Digest], end: End) {
        self.key = key
        self.siblings = siblings
        self.end = end
    }

    /// Checks the proof against a root.
    ///
    /// A leaf and a branch are hashed under different tags and an empty subtree has no preimage, so a root proves one
    /// outcome for a key at most.
    /// - Returns: the record, or nil where its absence is proved.
    /// - Throws: `wrong_state_root` where the proof isn't one of that root, and what `Record` refuses.
    package func record(under root: Digest) throws(Problem) -> Record? {
        guard siblings.count <= 256 else { throw Problem(.wrongStateRoot, "the tree is 256 deep, the proof has \(siblings.count) steps") }
        let path = key.path
        var hash: Digest
        switch end {
        case .record(let value): hash = StateNode.leafHash(path: path, value: value.canonicalDigest)
        case .empty: hash = .zero
        case .other(let other, let value):
            guard other != path, (0..<siblings.count).allSatisfy({ other.bit($0) == path.bit($0) }) else {
                throw Problem(.wrongStateRoot, "the proof's other record does not lie on the way to \(key.kind.rawValue)|\(key.id)")
            }
            hash = StateNode.leafHash(path: other, value: value)
        }
        for depth in siblings.indices.reversed() {
            hash = path.bit(depth) ? StateNode.branchHash(siblings[depth], hash) : StateNode.branchHash(hash, siblings[depth])
        }
        guard hash == root else { throw Problem(.wrongStateRoot, "the proof leads to \(hash), not to \(root)") }
        guard case .record(let value) = end else { return nil }
        return try Record(key, value)
    }
}

extension StateTree {
    /// What lies at a key's place, with all that is needed to check it against the root.
    package func proof(of key: RecordKey) -> StateProof {
        let path = key.path
        var siblings: [Digest] = []
        var node = top
        while let current = node {
            switch current.content {
            case .leaf(let found, _, let record):
                let end: StateProof.End = found == path ? .record(record.json) : .other(path: found, value: record.json.canonicalDigest)
                return StateProof(key: key, siblings: siblings, end: end)
            case .branch(let left, let right):
                let turn = path.bit(siblings.count)
                siblings.append((turn ? left : right)?.hash ?? .zero)
                node = turn ? right : left
            }
        }
        return StateProof(key: key, siblings: siblings, end: .empty)
    }
}

extension StateProof {
    /// `{"kind", "id", "siblings": [hash…]}` and `"value"` for a record that is there, or `"other": {"path", "value_hash"}`.
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("kind", .string(key.kind.rawValue)), ("id", .string(key.id)), ("siblings", .array(siblings.map { .string($0.hex) })),
        ]
        switch end {
        case .record(let value): members.append(("value", value))
        case .empty: break
        case .other(let path, let value):
            members.append(("other", ["path": .string(path.hex), "value_hash": .string(value.hex)]))
        }
        return .object(JSONObject(distinct: members))
    }

    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "proof")
        guard let kind = RecordKind(rawValue: try fields.string("kind", maxBytes: 16)) else { throw Problem(.outOfRange, "no records are of that kind") }
        key = RecordKey(kind, try fields.string("id", maxBytes: 256))
        var siblings: [Digest] = []
        for element in try fields.array("siblings", maxCount: 256) {
            guard case .string(let text) = element, let hash = Digest(hex: text) else { throw Problem(.badHex, "\"siblings\" holds hashes") }
            siblings.append(hash)
        }
        self.siblings = siblings
        let value = fields.optional("value")
        if let other = fields.optional("other") {
            guard value == nil else { throw Problem(.outOfRange, "a proof ends in one way") }
            var members = try JSONFields(other, "other")
            end = .other(path: try members.digest("path"), value: try members.digest("value_hash"))
        } else {
            end = value.map { .record($0) } ?? .empty
        }
    }
}
