import Foundation
import TestSupport
import Testing
import Wire

@testable import Signing

@Suite struct KeyTests {
    @Test(.enabled(if: Vectors.present, Vectors.missing)) func rfc8032() throws {
        let cases = try #require(try Vectors.json("rfc8032/rfc8032_ed25519.json")["vectors"]?.arrayValue)
        #expect(cases.count == 5)
        for entry in cases {
            let key = try #require(PrivateKey(seedHex: entry["seed"]?.stringValue ?? ""))
            #expect(key.publicKey.hex == entry["pk"]?.stringValue)
            let message = try #require(Hex.decode(entry["msg"]?.stringValue ?? "?"))
            let signature = try #require(Signature(hex: entry["sig"]?.stringValue ?? ""))
            #expect(key.sign(message: message) == signature)
            #expect(key.publicKey.verifies(signature, message: message))
            #expect(!key.publicKey.verifies(signature, message: message + [0]))
        }
    }

    /// All twelve edge cases of ed25519-speccheck are refused by PROTOCOL section 1.
    @Test(.enabled(if: Vectors.present, Vectors.missing)) func speccheck() throws {
        let cases = try #require(try Vectors.json("ed25519-speccheck/cases.json").arrayValue)
        #expect(cases.count == 12)
        for (index, entry) in cases.enumerated() {
            let key = try #require(PublicKey(hex: entry["pub_key"]?.stringValue ?? ""))
            let signature = try #require(Signature(hex: entry["signature"]?.stringValue ?? ""))
            let message = try #require(Digest(hex: entry["message"]?.stringValue ?? ""))
            #expect(!key.verifies(signature, of: message), "case \(index)")
        }
    }

    @Test func anyChangedBitIsRefused() throws {
        let key = try PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let digest = SHA256.hash(utf8: "message")
        let signature = key.sign(digest)
        #expect(key.publicKey.verifies(signature, of: digest))
        #expect(!key.publicKey.verifies(signature, of: SHA256.hash(utf8: "another")))
        for index in stride(from: 0, to: 512, by: 7) {
            var bytes = signature.bytes
            bytes[index / 8] ^= 1 << UInt8(index % 8)
            #expect(!key.publicKey.verifies(try #require(Signature(bytes: bytes)), of: digest))
        }
        #expect(Signature(hex: String(signature.hex.dropLast(2))) == nil)
        #expect(PublicKey(hex: key.publicKey.hex.uppercased()) == nil || key.publicKey.hex == key.publicKey.hex.uppercased())
    }

    @Test(.enabled(if: Vectors.present, Vectors.missing)) func addresses() throws {
        let golden = try Vectors.json("protocol-v1.json")
        let cases = try #require(golden["addresses"]?.arrayValue)
        #expect(cases.count == 8)
        for entry in cases {
            let key = try #require(PrivateKey(seedHex: entry["seed"]?.stringValue ?? ""))
            #expect(key.publicKey.hex == entry["pubkey"]?.stringValue)
            #expect(key.address.text == entry["address"]?.stringValue)
            #expect(try Address(key.address.text) == key.address)
        }
        #expect(Address.escrow.text == golden["module_addresses"]?["escrow"]?.stringValue)
        #expect(Address.treasury.text == golden["module_addresses"]?["treasury"]?.stringValue)
        let mutated = try Vectors.json("bech32/ait_length_mutation.json")
        for entry in mutated["mutated_must_reject"]?.arrayValue ?? [] { #expect(throws: Problem.self) { try Address(entry.stringValue ?? "") } }
        #expect(throws: Problem.self) { try Address(Address.escrow.text.uppercased()) }
    }

    @Test func secretsAreNotPrinted() throws {
        let key = try PrivateKey.generate()
        #expect(!"\(key)".contains(key.seedHex))
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains(key.seedHex) && !dumped.contains("\(Hex.decode(key.seedHex) ?? [])"))
    }
}

@Suite struct KeyFileTests {
    @Test func madeOnceAndOnlyForItsOwner() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-key-" + SecureRandom.hex(bytes: 8))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "miner.key").path
        let key = try PrivateKey.generate()
        try KeyFile.create(at: path, key: key)
        #expect(try KeyFile.load(path).seedHex == key.seedHex)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["miner.key"])
        do { try KeyFile.create(at: path, key: try PrivateKey.generate()) } catch { #expect(error.code == .keyFileExists) }
        #expect(try KeyFile.load(path).seedHex == key.seedHex)
        #expect(try KeyFile.loadOrCreate(path).seedHex == key.seedHex)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(throws: Problem.self) { try KeyFile.load(path) }
    }

    @Test func refusesWhatIsNoKeyFile() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "adit-key-" + SecureRandom.hex(bytes: 8)).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try PrivateKey.generate()
        let other = try PrivateKey.generate()
        for text in [
            "", "{}", "{\"format\":\"adit-key-v1\",\"seed\":\"00\",\"address\":\"\(key.address)\"}",
            "{\"format\":\"adit-key-v1\",\"seed\":\"\(key.seedHex)\",\"address\":\"\(other.address)\"}",
            "{\"format\":\"adit-key-v1\",\"seed\":\"\(key.seedHex)\",\"address\":\"\(key.address)\",\"x\":1}", String(repeating: "a", count: 5000),
        ] {
            #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
            do {
                _ = try KeyFile.load(path)
                Issue.record("read \(text.prefix(40))")
            } catch {
                #expect(error.code == .badKeyFile)
                #expect(!error.detail.contains(key.seedHex))
            }
        }
        #expect(throws: Problem.self) { try KeyFile.load(path + "-absent") }
    }
}
