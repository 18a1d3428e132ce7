/// The members of a JSON object in canonical order: by the UTF-16 code units of their keys (RFC 8785 section 3.2.3).
package struct JSONObject: Sendable {
    package let members: [(key: String, value: JSON)]

    /// Throws `duplicate_key` when two keys have the same bytes.
    package init(_ members: [(String, JSON)]) throws(Problem) {
        self.init(distinct: members)
        for (left, right) in zip(self.members, self.members.dropFirst()) where left.key.utf8.elementsEqual(right.key.utf8) {
            throw Problem(.duplicateKey, "the key \"\(left.key.prefix(64))\" appears twice")
        }
    }

    /// For members whose keys are known to differ.
    package init(distinct members: [(String, JSON)]) {
        // A canonical document's members are in order already.
        if zip(members, members.dropFirst()).allSatisfy({ !Self.precedes($1.0, $0.0) }) {
            self.members = members.map { (key: $0.0, value: $0.1) }
            return
        }
        // Places are sorted by the keys' first bytes; few need more, and the members are moved once.
        let starts = members.map { Self.start(of: $0.0) }
        let order = members.indices.sorted { left, right in
            if let one = starts[left], let other = starts[right], one != other { return one < other }
            return Self.precedes(members[left].0, members[right].0)
        }
        self.members = order.map { (key: members[$0].0, value: members[$0].1) }
    }

    /// The first eight bytes, most significant first, of a key that begins with ASCII: their order is that of UTF-16's units. Shorter
    /// keys end in zeros, as they precede those that go on.
    private static func start(of key: String) -> UInt64? {
        var start: UInt64 = 0
        var room = 8
        for byte in key.utf8 {
            if byte >= 0x80 { return nil }
            start = start << 8 | UInt64(byte)
            room -= 1
            if room == 0 { break }
        }
        return start << (8 * UInt64(room))
    }

    package var count: Int { members.count }

    package subscript(key: String) -> JSON? {
        index(of: key).map { members[$0].value }
    }

    /// The position of a key in `members`, by binary search.
    package func index(of key: String) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(members[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        guard low < members.count, !Self.precedes(key, members[low].key) else { return nil }
        return low
    }

    /// The same object with one member set.
    package func setting(_ key: String, to value: JSON) -> JSONObject {
        JSONObject(distinct: members.filter { !$0.key.utf8.elementsEqual(key.utf8) }.map { ($0.key, $0.value) } + [(key, value)])
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        let order = unsafe left.utf8.withContiguousStorageIfAvailable { left in
            unsafe right.utf8.withContiguousStorageIfAvailable { right -> Bool? in
                for index in 0..<min(left.count, right.count) where unsafe left[index] != right[index] {
                    // In ASCII the order of bytes is the order of UTF-16's units.
                    return unsafe left[index] | right[index] < 0x80 ? unsafe left[index] < right[index] : nil
                }
                return left.count < right.count
            }
        }
        if case .some(.some(.some(let precedes))) = order { return precedes }
        return left.utf16.lexicographicallyPrecedes(right.utf16)
    }
}

extension JSONObject: Equatable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count
            && zip(left.members, right.members).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value }
    }
}
