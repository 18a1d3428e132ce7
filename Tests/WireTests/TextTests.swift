import TestSupport
import Testing
import Wire

@Suite struct TextTests {
    @Test func hexIsLowerCaseAndWhole() {
        #expect(Hex.decode("00ff") == [0, 255])
        #expect(Hex.decode("0") == nil)
        #expect(Hex.decode("FF") == nil)
        #expect(Hex.decode("0g") == nil)
        #expect(Hex.encode([0, 1, 0xAB]) == "0001ab")
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func bip173Strings() throws {
        let vectors = try Vectors.json("bech32/bip173_bip350.json")
        var seen = 0
        for entry in vectors["bech32"]?["valid"]?.arrayValue ?? [] {
            let text = try #require(entry.stringValue ?? entry["string"]?.stringValue)
            let (hrp, symbols) = try Bech32.decode(text)
            #expect(Bech32.encode(hrp: hrp, symbols: symbols) == text.lowercased())
            seen += 1
        }
        for entry in vectors["bech32"]?["invalid"]?.arrayValue ?? [] {
            let text = try #require(entry.stringValue ?? entry["string"]?.stringValue)
            #expect(throws: Problem.self, "\(text)") { try Bech32.decode(text) }
            seen += 1
        }
        #expect(seen > 10)
    }

    @Test func chainIDs() throws {
        #expect(try ChainID("ait-devnet").text == "ait-devnet")
        for bad in ["", "Ait", "a|b", "a_b", String(repeating: "a", count: 33), "é"] { #expect(throws: Problem.self) { try ChainID(bad) } }
    }

    /// Known distances; each holds the other way round, too.
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("thraeds", "threads", 1), ("ab", "ba", 1),
        ("abcd", "badc", 2), ("ca", "abc", 3), ("aab", "aba", 1), ("a", "b", 1), ("gorilla", "gorila", 1),
    ])
    func editDistances(_ left: String, _ right: String, _ distance: Int) {
        #expect(EditDistance.between(left.utf8, right.utf8) == distance)
        #expect(EditDistance.between(right.utf8, left.utf8) == distance)
    }

    @Test func theNearestNameIsNamedOnlyIfItIsNear() {
        let names = ["threads", "temperature", "dtypes"]
        #expect(NearestName.of("thraeds", among: names) == "threads")
        #expect(NearestName.of("DTYPE", among: names) == "dtypes")
        #expect(NearestName.of("xyz", among: names) == nil)
        #expect(NearestName.of(String(repeating: "t", count: 65), among: names) == nil)
        #expect(NearestName.of("threads", among: []) == nil)
        #expect(NearestName.hint("thraeds", among: names) == "; did you mean threads?")
    }

    @Test func everyCodeIsSnakeCaseWithAStatus() {
        for code in Problem.Code.allCases {
            #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" || $0.isNumber })
            #expect((400...599).contains(code.status))
            #expect(!code.title.isEmpty)
        }
        let json = Problem(.nonceGap, "next is 3").json
        #expect(json["code"] == "nonce_gap")
        #expect(json["status"] == 422)
    }
}
