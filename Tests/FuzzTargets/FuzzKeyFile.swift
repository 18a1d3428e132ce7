import Signing
import Wire

/// Key files of both formats: read strictly, written as they were read, and opened for one seed alone.
enum FuzzKeyFile {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let contents = accepted({ () throws(Problem) in try KeyFile.decode(bytes) }) else { return }
        guard let json = accepted({ () throws(Problem) in try JSON.parse(bytes) }) else { throw FuzzTarget.Broken("a key file that is no JSON") }
        switch contents {
        case .plain(let key):
            try demand(json["seed"]?.stringValue == key.seedHex && json["address"]?.stringValue == key.address.text, "another key than the file's")
        case .sealed(let sealed):
            try demand(sealed.json == json, "a key file is written otherwise than it was read")
            // A derivation that costs more than this would only slow the fuzzer down.
            guard json["kdf"]?["memory_kib"]?.integerValue ?? .max <= 64, json["kdf"]?["operations"]?.integerValue ?? .max <= 2 else { return }
            guard let passphrase = accepted({ () throws(Problem) in try Passphrase(text: "correct horse battery staple") }) else { return }
            guard let key = accepted({ () throws(Problem) in try sealed.open(passphrase) }) else { return }
            try demand(key.seedHex == String(repeating: "07", count: 32), "a file that nobody sealed was opened")
            try demand(key.publicKey == sealed.publicKey, "the header's key is another")
        }
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        (
            "sealed",
            #"{"address":"ait1l6qjcyhn4dxwdtzak6dvx5heqm93ky00q35e2p","cipher":{"name":"xchacha20-poly1305-ietf","nonce":"000102030405060708090a0b0c0d0e0f1011121314151617"},"format":"adit-key-v2","#
                + #""kdf":{"memory_kib":64,"name":"argon2id13","operations":2,"salt":"000102030405060708090a0b0c0d0e0f"},"public_key":"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c","#
                + #""sealed":"80f2a55f3f78ae583770e337f9f80ecea6edf0098a4b224f114c4aa92394b1629e1c8676d1edf7efd95cbc58d8c6ff73"}"#
        ),
        (
            "plain",
            #"{"address":"ait1l6qjcyhn4dxwdtzak6dvx5heqm93ky00q35e2p","format":"adit-key-v1","seed":"0707070707070707070707070707070707070707070707070707070707070707"}"#
                + "\n"
        ),
    ].map { ($0.0, Array($0.1.utf8)) }
}
