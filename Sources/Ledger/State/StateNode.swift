import Wire

/// A subtree of the state tree that isn't empty. Immutable, so that states share what they have in common.
///
/// A subtree with one record is a leaf wherever it hangs: the compressed form of PROTOCOL section 5.
final class StateNode: Sendable {
    enum Content: Sendable {
        case leaf(path: Digest, key: RecordKey, record: Record)
        case branch(left: StateNode?, right: StateNode?)
    }

    let content: Content
    let hash: Digest
    /// The money of all records below, in base units; Int64.max when that doesn't fit.
    let money: Int64
    /// How many records are below.
    let count: Int

    /// A leaf: SHA-256(0x00 ‖ key ‖ SHA-256(value)).
    init(path: Digest, key: RecordKey, record: Record) throws(Problem) {
        content = .leaf(path: path, key: key, record: record)
        hash = Self.leafHash(path: path, value: record.json.canonicalDigest)
        money = try record.money()
        count = 1
    }

    /// A branch: SHA-256(0x01 ‖ left ‖ right), an empty side being 32 zero bytes.
    private init(left: StateNode?, right: StateNode?) {
        content = .branch(left: left, right: right)
        hash = Self.branchHash(left?.hash ?? .zero, right?.hash ?? .zero)
        let (sum, overflow) = (left?.money ?? 0).addingReportingOverflow(right?.money ?? 0)
        money = overflow ? Int64.max : sum
        count = (left?.count ?? 0) + (right?.count ?? 0)
    }

    static func leafHash(path: Digest, value: Digest) -> Digest {
        SHA256.hash(0x00, path, value)
    }

    static func branchHash(_ left: Digest, _ right: Digest) -> Digest {
        SHA256.hash(0x01, left, right)
    }

    /// The smallest tree over two halves: nothing, a lone leaf lifted up, or a branch.
    static func joining(_ left: StateNode?, _ right: StateNode?) -> StateNode? {
        switch (left, right) {
        case (nil, nil): nil
        case (let lone?, nil), (nil, let lone?): if case .leaf = lone.content { lone } else { StateNode(left: left, right: right) }
        default: StateNode(left: left, right: right)
        }
    }
}
