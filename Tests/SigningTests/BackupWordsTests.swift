import Foundation
import Testing
import TestSupport

@testable import Signing
@testable import Wire

@Suite struct BackupWordsTests {
    /// The 256-bit cases of BIP-39's published vectors (trezor/python-mnemonic, vectors.json).
    private static let vectors = [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art"
        ),
        (
            "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title"
        ),
        (
            "8080808080808080808080808080808080808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless"
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote"
        ),
        (
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length"
        ),
        (
            "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
            "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside"
        ),
        (
            "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
            "all hour make first leader extend hole alien behind guard gospel lava path output census museum junior mass reopen famous sing advance salt reform"
        ),
        (
            "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold"
        ),
    ]

    private func secret(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }
    private func words(_ text: String) throws -> BackupWords { try BackupWords().adding(secret(text)) }
    private func text(_ secret: SecretBytes) -> String { unsafe secret.withBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    private func problem(_ body: () throws -> Void) -> Problem? {
        do { try body() } catch { return error as? Problem }
        return nil
    }

    @Test func theListIsThePublishedOne() {
        let words = BackupWordList.words
        #expect(words.count == 2048 && words == words.sorted())
        #expect(Set(words.map { $0.prefix(4) }).count == 2048)
        #expect(SHA256.hash(utf8: words.map { $0 + "\n" }.joined()).hex == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    }

    @Test func publishedVectorsBothWays() throws {
        for (seed, phrase) in Self.vectors {
            let key = try #require(PrivateKey(seedHex: seed))
            #expect(text(try BackupWords(key).line()) == phrase + "\n")
            #expect(try words(phrase).key().seedHex == seed)
        }
    }

    @Test func anyKeyComesBack() throws {
        for _ in 0..<32 {
            let key = try PrivateKey.generate()
            #expect(try BackupWords().adding(BackupWords(key).line()).key().seedHex == key.seedHex)
        }
    }

    @Test func whatPeopleTypeIsTaken() throws {
        let (seed, phrase) = Self.vectors[5]
        let list = phrase.split(separator: " ").map(String.init)
        let forms = [
            phrase.uppercased(), "  \t" + list.joined(separator: " \r\n  ") + " \n", list.map { String($0.prefix(4)) }.joined(separator: " "),
            // NFKD: full-width letters, an ideographic space, a non-breaking space, the ligature of "flash".
            String(String.UnicodeScalarView(phrase.unicodeScalars.map { (0x61...0x7A).contains($0.value) ? Unicode.Scalar($0.value + 0xFEE0) ?? $0 : $0 })),
            list.joined(separator: "\u{3000}"), list.joined(separator: "\u{A0}"), phrase.replacing("flash", with: "\u{FB02}ash"),
        ]
        for form in forms { #expect(try words(form).key().seedHex == seed, "\(form)") }
        // Line by line, as on a terminal.
        var read = BackupWords()
        for (index, word) in list.enumerated() {
            #expect(read.count == index)
            read = try read.adding(secret(word))
        }
        #expect(try read.key().seedHex == seed)
        #expect(try read.adding(secret("  ")).count == 24)
    }

    @Test func whatIsWrongIsSaid() throws {
        let phrase = Self.vectors[5].1
        let list = phrase.split(separator: " ").map(String.init)
        func detail(_ text: String) -> String? {
            let found = problem { _ = try words(text).key() }
            #expect(found == nil || found?.code == .badBackup)
            return found?.detail
        }
        #expect(detail(phrase.replacing("gorilla", with: "gorila"))?.contains("word 4 is not in the list; the nearest is \"gorilla\"") == true)
        #expect(detail(phrase.replacing("gorilla", with: "gorilas"))?.contains("word 4 is not in the list; the nearest is \"gorilla\"") == true)
        #expect(detail(phrase.replacing("call", with: "cal"))?.contains("word 5 is not in the list; the nearest is \"call\"") == true)
        #expect(detail(phrase.replacing("call", with: "xxxxxxxxxxxxxxxxxx")) == "word 5 is not in the list")
        #expect(detail(phrase.replacing("panda", with: "1"))?.contains("word 1 ") == true)
        #expect(detail(list.dropLast().joined(separator: " "))?.contains("there are 23") == true)
        #expect(detail("")?.contains("there are 0") == true)
        #expect(detail(phrase + " zoo")?.contains("there are more") == true)
        #expect(detail(phrase.replacing("panda", with: "zoo"))?.contains("checksum") == true)
        var swapped = list
        swapped.swapAt(0, 1)
        #expect(detail(swapped.joined(separator: " "))?.contains("order") == true)
        // What was typed is never repeated, whatever it was.
        #expect(detail("correct-horse-battery-staple")?.contains("horse") == false)
        #expect(detail(Self.vectors[5].0)?.contains("9f6a") == false)
        #expect(detail("\u{0}\u{FFFF}\u{1F600}") != nil)
    }

    /// Whatever bytes come: words, or `bad_backup`; never a trap, never more than 24.
    @Test func anyBytesAreReadOrRefused() throws {
        var random = TestRandom(40)
        // Words, spaces, a full-width A, what is no UTF-8, and an accent without its letter.
        let pieces: [[UInt8]] = [
            Array("zoo".utf8), Array("ABAN".utf8), [0x20], [0x0A], [0xC2, 0xA0], [0xEF, 0xBC, 0xA1], [0xFF], [0x00], [0xF0, 0x9F], [0xCC, 0x81],
        ]
        var read = 0
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).flatMap { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }
            let line = try SecretBytes(copying: bytes)
            var words: BackupWords?
            #expect([nil, .badBackup].contains(problem { words = try BackupWords().adding(line) }?.code))
            if let words {
                read += 1
                #expect(words.count <= 24)
            }
        }
        #expect(read > 0)
    }

    /// The checksum has 8 bits: of random other words one in 256 passes. More would be a defect, fewer could not be told.
    @Test func theChecksumRefusesOtherWords() throws {
        var random = TestRandom(39)
        let backup = try words(Self.vectors[4].1)
        let list = Self.vectors[4].1.split(separator: " ").map(String.init)
        var passed = 0
        for _ in 0..<2000 {
            let position = Int.random(in: 0..<24, using: &random)
            let other = BackupWordList.words[Int.random(in: 0..<2048, using: &random)]
            guard other != list[position] else { continue }
            if (try? backup.replacing([position], with: try words(other)).key()) != nil { passed += 1 }
        }
        // 7.8 are expected; Poisson of that mean gives 0 once in 2,500 seeds and over 25 never: this seed is fixed.
        #expect((1...25).contains(passed), "\(passed)")
    }

    @Test func aFewTypedWordsRestoreOrDont() throws {
        let key = try #require(PrivateKey(seedHex: Self.vectors[6].0))
        let backup = try BackupWords(key)
        let list = Self.vectors[6].1.split(separator: " ").map(String.init)
        let right = try words([list[3], list[17], list[0]].joined(separator: " "))
        #expect(try backup.replacing([3, 17, 0], with: right).key().publicKey == key.publicKey)
        let wrong = try backup.replacing([3, 17, 0], with: try words("zoo zoo zoo"))
        #expect((try? wrong.key())?.publicKey != key.publicKey)
        #expect(problem { _ = try backup.replacing([3, 24], with: try words("zoo zoo")) }?.code == .badBackup)
        #expect(problem { _ = try backup.replacing([3], with: try words("zoo zoo")) }?.code == .badBackup)
    }

    @Test func theSheetIsReadDown() throws {
        let key = try #require(PrivateKey(seedHex: Self.vectors[7].0))
        let lines = text(try BackupWords(key).sheet()).split(separator: "\n")
        #expect(lines.count == 6 && lines.allSatisfy { $0.count <= 60 })
        #expect(lines[0] == "   1 void       7 warrior   13 open      19 point")
        #expect(lines[5].hasSuffix("24 unfold"))
        #expect(lines[1].split(separator: " ") == ["2", "come", "8", "heavy", "14", "amazing", "20", "ten"])
    }

    @Test func areNotPrinted() throws {
        let backup = try words("zoo zebra")
        var dumped = ""
        dump(backup, to: &dumped)
        #expect(!(dumped + "\(backup)" + String(reflecting: backup)).contains("zebra"))
        #expect("\(backup)" == "BackupWords(2)")
    }
}
