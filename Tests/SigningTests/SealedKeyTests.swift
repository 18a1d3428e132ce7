import Foundation
import Testing
import Wire

@testable import Signing

@Suite struct SealedKeyTests {
    let key: PrivateKey
    let passphrase: Passphrase

    init() throws {
        key = try PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        passphrase = try Passphrase(text: "correct horse battery staple")
    }

    func code(_ body: () throws -> Void) -> Problem.Code? {
        do { try body() } catch { return (error as? Problem)?.code }
        return nil
    }

    @Test func opensWithItsPassphraseAlone() throws {
        let sealed = try SealedKey(key, passphrase: passphrase, strength: .tests)
        #expect(try sealed.open(passphrase).seedHex == key.seedHex)
        #expect(sealed.address == key.address)
        #expect(!sealed.json.canonicalString.contains(key.seedHex))
        for wrong in ["correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple", "x"] {
            #expect(code { _ = try sealed.open(try Passphrase(text: wrong)) } == .wrongPassphrase)
        }
        #expect(try SealedKey(try JSON.parse(sealed.json.canonicalBytes)) == sealed)
        // Two files of one key have nothing in common but their public half.
        let other = try SealedKey(key, passphrase: passphrase, strength: .tests)
        #expect(other.sealed != sealed.sealed && other.nonce != sealed.nonce && other.derivation.salt != sealed.derivation.salt)
    }

    /// A file made by an independent implementation (argon2-cffi and PyCryptodome) opens; see docs/PROTOCOL.md.
    @Test func opensWhatAnotherImplementationMade() throws {
        let file = #"""
            {"address":"ait1l6qjcyhn4dxwdtzak6dvx5heqm93ky00q35e2p","cipher":{"name":"xchacha20-poly1305-ietf","nonce":"000102030405060708090a0b0c0d0e0f1011121314151617"},"format":"adit-key-v2",
            "kdf":{"memory_kib":64,"name":"argon2id13","operations":2,"salt":"000102030405060708090a0b0c0d0e0f"},
            "public_key":"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c","sealed":"80f2a55f3f78ae583770e337f9f80ecea6edf0098a4b224f114c4aa92394b1629e1c8676d1edf7efd95cbc58d8c6ff73"}
            """#
        guard case .sealed(let sealed) = try KeyFile.decode(Array(file.utf8)) else { throw Problem(.badKeyFile, "not a sealed key") }
        #expect(try sealed.open(passphrase).seedHex == key.seedHex)
    }

    /// No member of the header can be changed without the file refusing to open.
    @Test func everyMemberIsBound() throws {
        let sealed = try SealedKey(key, passphrase: passphrase, strength: .tests)
        let object = try #require(sealed.json.objectValue)
        let stranger = try PrivateKey(seed: [UInt8](repeating: 8, count: 32))
        func changed(_ outer: String, _ inner: String, _ value: JSON) throws -> JSONObject {
            object.setting(outer, to: .object(try #require(object[outer]?.objectValue).setting(inner, to: value)))
        }
        let altered: [JSONObject] = [
            object.setting("public_key", to: .string(stranger.publicKey.hex)).setting("address", to: .string(stranger.address.text)),
            try changed("kdf", "operations", 2), try changed("kdf", "memory_kib", 16), try changed("kdf", "salt", .string(String(repeating: "0", count: 32))),
            try changed("cipher", "nonce", .string(String(repeating: "0", count: 48))),
            object.setting("sealed", to: .string(String(repeating: "0", count: 96))),
        ]
        for object in altered { #expect(code { _ = try SealedKey(.object(object)).open(passphrase) } == .wrongPassphrase) }
        for index in sealed.sealed.indices {
            var bytes = sealed.sealed
            bytes[index] ^= 1
            #expect(code { _ = try SealedKey(.object(object.setting("sealed", to: .string(Hex.encode(bytes))))).open(passphrase) } == .wrongPassphrase)
        }
    }

    /// What this thread has computed, whatever others do beside it.
    private static var threadTime: Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// A hostile file takes neither memory nor time: it is refused before either is spent.
    @Test func boundsHoldBeforeAnythingIsSpent() throws {
        let object = try #require(try SealedKey(key, passphrase: passphrase, strength: .tests).json.objectValue)
        let started = Self.threadTime
        for (operations, memory) in [(0, 8), (17, 8), (1, 7), (1, 1_048_577), (5, 1_048_576), (16, 300_000), (1, JSON.maxInteger)] as [(Int64, Int64)] {
            let kdf = try #require(object["kdf"]?.objectValue).setting("operations", to: .integer(operations)).setting("memory_kib", to: .integer(memory))
            let refusal = code { _ = try SealedKey(.object(object.setting("kdf", to: .object(kdf)))) }
            #expect(refusal == .badKeyFile || refusal == .outOfRange, "\(operations) × \(memory)")
        }
        // Of this thread's own: a derivation over a GiB takes at least a second of it.
        #expect(Self.threadTime - started < .milliseconds(500))
        for (name, value) in [
            ("format", "adit-key-v3"), ("address", .string(Address.escrow.text)), ("sealed", "00"), ("kdf", [:]), ("cipher", .null), ("extra", 1),
        ] as [(String, JSON)] {
            #expect(code { _ = try SealedKey(.object(object.setting(name, to: value))) } != nil, "\(name)")
        }
    }

    @Test func passphrasesHaveBounds() throws {
        #expect(code { _ = try Passphrase(text: "") } == .badPassphrase)
        #expect(code { _ = try Passphrase(text: String(repeating: "x", count: 1025)) } == .badPassphrase)
        #expect(code { _ = try SealedKey(key, passphrase: try Passphrase(text: "1234567"), strength: .tests) } == .badPassphrase)
        #expect(try Passphrase(text: "same bytes").matches(try Passphrase(text: "same bytes")))
        #expect(try !Passphrase(text: "\u{e9}").matches(try Passphrase(text: "e\u{301}")))
    }

    @Test func passphraseFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-pass-" + SecureRandom.hex(bytes: 8))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ text: String, mode: Int = 0o600) -> String {
            let path = folder.appending(path: SecureRandom.hex(bytes: 4)).path
            _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
            return path
        }
        for text in ["two words", "two words\n", "two words\r\n"] { #expect(try Passphrase(file: file(text)).matches(try Passphrase(text: "two words"))) }
        #expect(try Passphrase(file: file("two words\n\n")).matches(try Passphrase(text: "two words\n")))
        #expect(try Passphrase(file: file(String(repeating: "x", count: 1024) + "\n")).matches(try Passphrase(text: String(repeating: "x", count: 1024))))
        for path in [
            file(""), file("\n"), file(String(repeating: "x", count: 1025)), file(String(repeating: "x", count: 100_000)), file("two words", mode: 0o640),
            folder.path,
        ] {
            #expect(code { _ = try Passphrase(file: path) } == .badPassphrase, "\(path)")
        }
        #expect(try Passphrase(file: file("two words", mode: 0o440), isPrivate: false).matches(try Passphrase(text: "two words")))
        #expect(code { _ = try Passphrase(file: "/nonexistent") } == .ioFailed)
    }

    @Test func filesAreMadeOnceAndChangedWhole() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-sealed-" + SecureRandom.hex(bytes: 8))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "a.key").path
        try KeyFile.create(at: path, key: key, passphrase: passphrase, strength: .tests)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(code { try KeyFile.create(at: path, key: key, passphrase: passphrase, strength: .tests) } == .keyFileExists)
        #expect(code { _ = try KeyFile.load(path) } == .passphraseRequired)
        #expect(try KeyFile.read(path).publicKey == key.publicKey)

        let next = try Passphrase(text: "another passphrase")
        let before = try Data(contentsOf: URL(filePath: path))
        #expect(code { try KeyFile.change(at: path, key: try PrivateKey.generate(), passphrase: next, strength: .tests) } == .badKeyFile)
        #expect(code { try KeyFile.change(at: path, key: key, passphrase: try Passphrase(text: "short"), strength: .tests) } == .badPassphrase)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        try KeyFile.change(at: path, key: key, passphrase: next, strength: .tests)
        guard case .sealed(let sealed) = try KeyFile.read(path) else { throw Problem(.badKeyFile, "not sealed") }
        #expect(try sealed.open(next).seedHex == key.seedHex)
        #expect(code { _ = try sealed.open(passphrase) } == .wrongPassphrase)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.key"])
    }
}

@Suite struct SecretBytesTests {
    @Test func holdWhatTheyWereGiven() throws {
        let bytes: [UInt8] = [1, 2, 3, 250]
        let secret = try SecretBytes(copying: bytes)
        let held = unsafe secret.withPointer { base in unsafe Array(UnsafeBufferPointer(start: base, count: 4)) }
        #expect(held == bytes)
        #expect(secret.holdsSameBytes(as: try SecretBytes(copying: bytes)))
        #expect(!secret.holdsSameBytes(as: try SecretBytes(copying: [1, 2, 3])))
        #expect(!secret.holdsSameBytes(as: try SecretBytes(copying: [1, 2, 3, 251])))
        #expect(try SecretBytes(copying: []).holdsSameBytes(as: try SecretBytes(copying: [])))
        #expect(try !SecretBytes.random(32).holdsSameBytes(as: try SecretBytes.random(32)))
    }

    /// More keys than any limit on locked memory lets be locked still work.
    @Test func manyKeysWork() throws {
        let keys = try (0..<3000).map { _ in try PrivateKey.generate() }
        let digest = SHA256.hash(utf8: "x")
        for key in [keys[0], keys[1500], keys[2999]] { #expect(key.publicKey.verifies(key.sign(digest), of: digest)) }
    }

    @Test func areNotPrinted() throws {
        let secret = try SecretBytes(copying: Array("secret words".utf8))
        let passphrase = try Passphrase(text: "secret words")
        for value in [secret, passphrase] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            #expect(!dumped.contains("secret words") && !"\(value)".contains("secret words") && !String(reflecting: value).contains("secret words"))
            #expect(!dumped.contains("115"), "bytes in decimal")
        }
    }
}
