import Wire

/// The JSON reader: what it accepts has one canonical form, which reads back as the same value.
enum FuzzJSON {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let strict = accepted { () throws(Problem) in try JSON.parse(bytes) }
        let loose = accepted { () throws(Problem) in try JSON.parse(bytes, reals: true) }
        if let strict {
            let canonical = strict.canonicalBytes
            let again = accepted { () throws(Problem) in try JSON.parse(canonical) }
            try demand(again == strict, "the canonical form reads back as another value")
            try demand(again?.canonicalBytes == canonical, "the canonical form isn't stable")
            try demand(loose == strict, "a document of integers reads otherwise where reals are allowed")
            try demand(!canonical.contains(where: { $0 < 0x20 }), "white space or a control character in the canonical form")
        }
        if let loose {
            // 1.0 is written as 1, so values may change kind once; the text may not.
            let canonical = loose.canonicalBytes
            let again = accepted { () throws(Problem) in try JSON.parse(canonical, reals: true) }
            try demand(again?.canonicalBytes == canonical, "the canonical form with reals isn't stable")
            try lookUp(loose)
        }
    }

    /// Every member of every object is found by its name.
    private static func lookUp(_ json: JSON) throws(FuzzTarget.Broken) {
        switch json {
        case .object(let object):
            for member in object.members {
                try demand(object[member.key] == member.value, "a member isn't found by its name")
                try lookUp(member.value)
            }
        case .array(let elements): for element in elements { try lookUp(element) }
        default: break
        }
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        ("all-kinds", #"{"a":[null,true,false,0,9007199254740991,"x"],"b":{"c":{}}}"#),
        ("escapes", #"["\u0000\u001f\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]"#),
        ("reals", #"[0.5,-1,1e3,1E-7,-0.0,123456789012345678901234567890,1.7976931348623157e308,5e-324]"#),
        ("order", "{\"\u{1F600}\":1,\"\u{FB33}\":2,\"\u{20ac}\":3,\"10\":4,\"2\":5,\"\":6}"),
        ("equivalent-keys", "{\"\u{e9}\":1,\"e\u{301}\":2}"),
        ("spaces", " \t\r\n[ 1 , { \"a\" : \"b\" } ] "),
        ("deep", String(repeating: "[", count: 64) + String(repeating: "]", count: 64)),
        ("duplicate", #"{"a":1,"\u0061":2}"#), ("lone-surrogate", #"["\ud800"]"#),
    ].map { ($0.0, Array($0.1.utf8)) }
}
