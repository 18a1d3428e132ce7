extension JSON {
    /// An object of distinct members; those without a value are left out (`null` is not the same as absent).
    package static func members(_ members: [(String, JSON?)]) -> JSON {
        .object(JSONObject(distinct: members.compactMap { key, value in value.map { (key, $0) } }))
    }

    /// Reads each element of a list.
    package static func map<Element>(_ items: [JSON], _ read: (JSON) throws(Problem) -> Element) throws(Problem) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(items.count)
        for item in items { result.append(try read(item)) }
        return result
    }
}
