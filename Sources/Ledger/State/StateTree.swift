package import Wire

/// The sparse Merkle tree of depth 256 over all records (PROTOCOL section 5), as a persistent value: an update copies the
/// paths to what it touches and shares the rest, so a block costs what its records cost and old states stay readable.
package struct StateTree: Sendable {
    let top: StateNode?

    package init() { top = nil }

    init(top: StateNode?) { self.top = top }

    /// 32 zero bytes when empty.
    package var root: Digest { top?.hash ?? .zero }
    package var count: Int { top?.count ?? 0 }
    /// The money of all records; Int64.max when that doesn't fit.
    package var money: Int64 { top?.money ?? 0 }

    package subscript(key: RecordKey) -> Record? {
        let path = key.path
        var node = top
        var depth = 0
        while let current = node {
            switch current.content {
            case .leaf(let found, _, let record): return found == path ? record : nil
            case .branch(let left, let right):
                node = path.bit(depth) ? right : left
                depth += 1
            }
        }
        return nil
    }

    /// The tree with these records set or removed; of several changes of one key the last counts.
    package func updating(_ changes: some Sequence<RecordChange>) throws(Problem) -> StateTree {
        var places: [Digest: Int] = [:]
        var edits: [Edit] = []
        for change in changes {
            let path = change.key.path
            let leaf: StateNode? = if let record = change.record { try StateNode(path: path, key: change.key, record: record) } else { nil }
            if let place = places[path] {
                edits[place] = Edit(path: path, leaf: leaf)
            } else {
                places[path] = edits.count
                edits.append(Edit(path: path, leaf: leaf))
            }
        }
        edits.sort { $0.path < $1.path }
        return StateTree(top: Self.merge(top, edits[...], depth: 0))
    }

    /// A leaf to set at a path, or nil to remove what is there.
    private struct Edit {
        let path: Digest
        let leaf: StateNode?
    }

    /// - Parameter edits: sorted by path, no path twice, all of them below this subtree.
    private static func merge(_ node: StateNode?, _ edits: ArraySlice<Edit>, depth: Int) -> StateNode? {
        guard !edits.isEmpty else { return node }
        switch node?.content {
        case .branch(let left, let right):
            let middle = firstOnTheRight(edits, depth)
            return .joining(
                merge(left, edits[..<middle], depth: depth + 1), merge(right, edits[middle...], depth: depth + 1))
        case .leaf(let path, _, _):
            if edits.contains(where: { $0.path == path }) { return build(edits, depth: depth) }
            var all = Array(edits)
            all.insert(Edit(path: path, leaf: node), at: all.firstIndex { path < $0.path } ?? all.count)
            return build(all[...], depth: depth)
        case nil:
            return build(edits, depth: depth)
        }
    }

    private static func build(_ edits: ArraySlice<Edit>, depth: Int) -> StateNode? {
        guard edits.count > 1 else { return edits.first?.leaf }
        let middle = firstOnTheRight(edits, depth)
        return .joining(build(edits[..<middle], depth: depth + 1), build(edits[middle...], depth: depth + 1))
    }

    /// The index of the first edit whose bit at this depth is set.
    private static func firstOnTheRight(_ edits: ArraySlice<Edit>, _ depth: Int) -> Int {
        var low = edits.startIndex
        var high = edits.endIndex
        while low < high {
            let middle = (low + high) / 2
            if edits[middle].path.bit(depth) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension StateTree: Sequence {
    /// All records, in the order of their paths.
    package func makeIterator() -> AnyIterator<RecordChange> {
        var stack: [StateNode] = top.map { [$0] } ?? []
        return AnyIterator {
            while let node = stack.popLast() {
                switch node.content {
                case .leaf(_, let key, let record): return RecordChange(key: key, record: record)
                case .branch(let left, let right):
                    if let right { stack.append(right) }
                    if let left { stack.append(left) }
                }
            }
            return nil
        }
    }
}
