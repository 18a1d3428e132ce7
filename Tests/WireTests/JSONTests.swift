import TestSupport
import Testing
import Wire

@Suite struct JSONTests {
    @Test(arguments: [
        ("{\"a\":1,\"a\":2}", Problem.Code.duplicateKey), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey),
        ("[1,]", .badJSON), ("{\"a\":1,}", .badJSON), ("[1] x", .badJSON), ("", .badJSON), ("{", .badJSON), ("[1 2]", .badJSON),
        ("\u{FEFF}{}", .badJSON), ("\"\\ud800\"", .badJSON), ("\"\\udc00\\ud800\"", .badJSON), ("\"\\ud800\\u0041\"", .badJSON), ("\"a", .badJSON),
        ("\"\\x\"", .badJSON), ("\"\t\"", .badJSON), ("tru", .badJSON), ("NaN", .badJSON), ("// c\n1", .badJSON), ("'a'", .badJSON), ("{a:1}", .badJSON),
        ("1.0", .notAnInteger), ("1e3", .notAnInteger), ("-1", .notAnInteger), ("-0", .notAnInteger), ("01", .notAnInteger), ("+1", .notAnInteger),
        ("9007199254740992", .notAnInteger), ("99999999999999999999999", .notAnInteger), ("0.9999999999999999999999", .notAnInteger),
    ])
    func refusesWhatReadersDisagreeOn(text: String, code: Problem.Code) {
        #expect(throws: Problem.self) { try JSON.parse(text) }
        do { _ = try JSON.parse(text) } catch { #expect(error.code == code, "\(text): \(error)") }
    }

    @Test func refusesInvalidUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0xFF, 0xFE, 0x31, 0],
        ] {
            #expect(throws: Problem.self) { try JSON.parse(bytes) }
        }
    }

    @Test func nestingEndsAt64() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(try JSON.parse(deepest).canonicalString == deepest)
        #expect(throws: Problem.self) { try JSON.parse("[" + deepest + "]") }
        // A million brackets must neither crash nor take a second.
        #expect(throws: Problem.self) { try JSON.parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func keepsKeysThatOnlyUnicodeCallsEqual() throws {
        let json = try JSON.parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(json.objectValue?.count == 2)
        #expect(json["\u{e9}"] == 1)
        #expect(json["e\u{301}"] == 2)
        #expect(JSON.string("\u{e9}") != JSON.string("e\u{301}"))
    }

    @Test func readsRealsOnlyWhenAsked() throws {
        #expect(try JSON.parse("[0.5,-2,1e3]", reals: true) == .array([.real(0.5), .real(-2), .real(1000)]))
        #expect(throws: Problem.self) { try JSON.parse("1e999", reals: true) }
        #expect(throws: Problem.self) { try JSON.parse("1.", reals: true) }
        #expect(throws: Problem.self) { try JSON.parse("-", reals: true) }
    }

    /// RFC 8785 appendix B.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"), (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x41b3_de43_5555_5553, "333333333.3333332"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func writesShortestNumbers(bits: UInt64, text: String) {
        #expect(JSON.shortest(Double(bitPattern: bits)) == text)
    }

    /// Keys of a few units, many with a beginning in common: ASCII, NUL, two, three and four bytes of UTF-8.
    @Test func membersAreInTheOrderOfUTF16() throws {
        let units = ["a", "b", "Z", "_", "\0", "é", "\u{FFFF}", "€", "😀", "abcdefg", "abcdefgh"]
        var state: UInt64 = 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<500 {
            let keys = Set((0..<next(12)).map { _ in (0..<next(4)).map { _ in units[next(units.count)] }.joined() })
            let object = try JSONObject(keys.map { ($0, JSON.null) })
            let expected = keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
            #expect(object.members.map(\.key) == expected)
            #expect(object.members.indices.allSatisfy { object.index(of: expected[$0]) == $0 })
        }
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func goldenCanonicalForms() throws {
        let cases = try Vectors.protocolCases("canonical_json")
        #expect(cases.count == 19)
        for entry in cases {
            let text = try #require(entry["canonical"]?.stringValue)
            let json = try JSON.parse(text)
            #expect(json.canonicalString == text)
            #expect(json == entry["value"])
            #expect(json.canonicalDigest.hex == entry["sha256"]?.stringValue)
        }
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing), arguments: ["arrays", "french", "structures", "unicode", "values", "weird"])
    func rfc8785Documents(name: String) throws {
        let input = try Vectors.bytes("json-canonicalization/testdata/input/\(name).json")
        let output = try Vectors.bytes("json-canonicalization/testdata/output/\(name).json")
        #expect(try JSON.parse(input, reals: true).canonicalBytes == output.filter { $0 != 0x0A })
        let hasReals = name == "structures" || name == "values"
        if hasReals {
            #expect(throws: Problem.self) { try JSON.parse(input) }
        } else {
            #expect(try JSON.parse(input).canonicalBytes == output.filter { $0 != 0x0A })
        }
    }

    @Test func fieldsRefuseWhatNobodyAskedFor() throws {
        var fields = try JSONFields(["a": 1, "b": "x", "c": true], "thing")
        #expect(try fields.integer("a") == 1)
        #expect(try fields.string("b") == "x")
        do { try fields.finish() } catch { #expect(error.code == .unknownField) }
        #expect(throws: Problem.self) { try fields.finish() }
        _ = try fields.bool("c")
        try fields.finish()
        #expect(throws: Problem.self) { try fields.integer("b") }
        #expect(throws: Problem.self) { try fields.string("missing") }
    }

    @Test func limitsCountBytesNotCharacters() throws {
        let marks = "e" + String(repeating: "\u{301}", count: 1000)
        #expect(marks.count == 1)
        var fields = try JSONFields(["memo": .string(marks)], "thing")
        #expect(throws: Problem.self) { try fields.string("memo", maxBytes: 256) }
    }
}
