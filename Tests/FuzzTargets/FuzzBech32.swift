import Signing
import Wire

/// Addresses: one text for one address, both ways.
enum FuzzBech32 {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let (hrp, symbols) = accepted({ () throws(Problem) in try Bech32.decode(text) }) {
            try demand(text.utf8.count <= 90 && symbols.allSatisfy { $0 < 32 }, "too long, or a symbol over 31")
            try demand(Bech32.encode(hrp: hrp, symbols: symbols).utf8.elementsEqual(text.lowercased().utf8), "written otherwise than it was read")
            if let packed = Bech32.regroup(symbols, from: 5, to: 8, pad: false) {
                try demand(Bech32.regroup(packed, from: 8, to: 5, pad: true) == symbols, "regrouping loses bits")
            }
        }
        if let address = accepted({ () throws(Problem) in try Address(text) }) {
            try demand(address.text.utf8.elementsEqual(text.utf8), "an address is another text")
            try demand(text.utf8.count == 42 && text.hasPrefix("ait1"), "an address of another form")
        }
        _ = accepted { () throws(Problem) in try ChainID(text) }
        if let hex = Hex.decode(text) { try demand(Hex.encode(hex).utf8.elementsEqual(text.utf8), "hex is written otherwise than it was read") }

        // The same bytes as symbols: what we write, we read.
        let symbols = bytes.prefix(64).map { $0 & 31 }
        let written = Bech32.encode(hrp: "ait", symbols: symbols)
        if (8...90).contains(written.utf8.count) {
            let read = accepted { () throws(Problem) in try Bech32.decode(written) }
            try demand(read?.hrp == "ait" && read?.symbols == symbols, "what was written isn't read")
        }
        let packed = Bech32.regroup(Array(bytes.prefix(64)), from: 8, to: 5, pad: true) ?? []
        try demand(Bech32.regroup(packed, from: 5, to: 8, pad: false) == Array(bytes.prefix(64)), "regrouping changes bytes")
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        ("escrow", Address.escrow.text), ("treasury", Address.treasury.text), ("upper", Address.escrow.text.uppercased()), ("bip173-short", "A12UEL5L"),
        ("bip173-split", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"), ("bip173-question", "?1ezyfcl"), ("hex", "00ff10ab"),
        ("bip173-long", "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs"), ("chain", "ait-devnet-0a1b2c3d"),
    ].map { ($0.0, Array($0.1.utf8)) }
}
