import Ledger
import Signing
import Testing
import Wire

/// The tree against the definition of PROTOCOL section 5, written out plainly.
struct StateTreeTests {
    /// The root by the definition alone: no tree, no sharing, all records at once.
    private func plainRoot(_ leaves: ArraySlice<(path: Digest, value: Digest)>, depth: Int = 0) -> Digest {
        if leaves.isEmpty { return .zero }
        if leaves.count == 1, let leaf = leaves.first { return SHA256.hash([0] + leaf.path.bytes + leaf.value.bytes) }
        let left = leaves.filter { !$0.path.bit(depth) }
        let right = leaves.filter { $0.path.bit(depth) }
        return SHA256.hash([1] + plainRoot(left[...], depth: depth + 1).bytes + plainRoot(right[...], depth: depth + 1).bytes)
    }

    private func plainRoot(_ records: [RecordKey: Record]) -> Digest {
        plainRoot(records.map { ($0.key.path, $0.value.json.canonicalDigest) }[...])
    }

    @Test func randomEditsKeepTheRoot() throws {
        var numbers = Seeded(2026)
        var tree = StateTree()
        var records: [RecordKey: Record] = [:]
        let keys = (0..<120).map { RecordKey(.meta, "m\($0)") }
        for round in 0..<120 {
            var changes: [RecordChange] = []
            for _ in 0..<Int.random(in: 0...12, using: &numbers) {
                guard let key = keys.randomElement(using: &numbers) else { continue }
                let remove = Int.random(in: 0..<(round < 60 ? 4 : 2), using: &numbers) == 0
                let record: Record? = remove ? nil : .meta(Int64.random(in: 0...JSON.maxInteger, using: &numbers))
                changes.append(RecordChange(key: key, record: record))
                records[key] = record
            }
            let before = tree
            let root = tree.root
            tree = try tree.updating(changes)
            #expect(tree.root == plainRoot(records))
            #expect(before.root == root, "an old state stays as it was")
            #expect(tree.count == records.count)
            for key in keys { #expect(tree[key] == records[key]) }
            #expect(Dictionary(tree.map { ($0.key, $0.record) }, uniquingKeysWith: { first, _ in first }) == records.mapValues { .some($0) })
        }
    }

    @Test func theOrderOfEditsDoesNotMatter() throws {
        var numbers = Seeded(3)
        let changes = (0..<50).map { RecordChange(key: RecordKey(.meta, "m\($0)"), record: .meta(Int64($0))) }
        let root = try StateTree().updating(changes).root
        for _ in 0..<10 { #expect(try StateTree().updating(changes.shuffled(using: &numbers)).root == root) }
        #expect(try StateTree().updating(changes + [RecordChange(key: RecordKey(.meta, "m0"), record: .meta(9))]).root != root)
    }

    @Test func moneyIsSummedFromTheRecords() throws {
        var tree = StateTree()
        let one = try World.key(1).address
        let two = try World.key(2).address
        tree = try tree.updating([
            RecordChange(key: RecordKey(.account, one.text), record: .account(Account(address: one, balance: 5, staked: 7))),
            RecordChange(key: RecordKey(.account, two.text), record: .account(Account(address: two, balance: 30))),
            RecordChange(key: RecordKey(.meta, "supply"), record: .meta(1000)),
        ])
        #expect(tree.money == 42)
        tree = try tree.updating([RecordChange(key: RecordKey(.account, one.text), record: nil)])
        #expect(tree.money == 30)
        let huge = Account(address: one, balance: JSON.maxInteger, staked: 1)
        #expect(code { try tree.updating([RecordChange(key: RecordKey(.account, one.text), record: .account(huge))]) } == .outOfRange)
    }
}
