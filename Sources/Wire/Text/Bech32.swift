/// Bech32 text with a human-readable part and a six-symbol checksum (BIP-173).
///
/// Bech32 doesn't detect `q` symbols inserted before a final `p`, so whoever decodes must check the length too.
package enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// - Parameter symbols: values 0 … 31.
    package static func encode(hrp: String, symbols: [UInt8]) -> String {
        let text = (symbols + checksum(hrp: hrp, symbols: symbols)).map { alphabet[Int($0 & 31)] }
        return hrp + "1" + String(decoding: text, as: UTF8.self)
    }

    /// The human-readable part (lower case) and the data symbols without the checksum, or `bad_address`.
    package static func decode(_ text: String) throws(Problem) -> (hrp: String, symbols: [UInt8]) {
        let bytes = Array(text.utf8)
        guard (8...90).contains(bytes.count) else { throw Problem(.badAddress, "a bech32 string has 8 to 90 characters") }
        let upper = bytes.contains { (0x41...0x5A).contains($0) }
        let lower = bytes.contains { (0x61...0x7A).contains($0) }
        guard !(upper && lower) else { throw Problem(.badAddress, "upper and lower case are mixed") }
        let folded = bytes.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }
        guard let separator = folded.lastIndex(of: UInt8(ascii: "1")), separator >= 1, separator + 7 <= folded.count,
            folded[..<separator].allSatisfy({ (33...126).contains($0) })
        else { throw Problem(.badAddress, "not a bech32 string") }
        let hrp = String(decoding: folded[..<separator], as: UTF8.self)
        var symbols: [UInt8] = []
        for byte in folded[(separator + 1)...] {
            guard let value = alphabet.firstIndex(of: byte) else { throw Problem(.badAddress, "a character outside bech32's alphabet") }
            symbols.append(UInt8(value))
        }
        guard polymod(expand(hrp) + symbols) == 1 else { throw Problem(.badAddress, "the checksum doesn't hold") }
        return (hrp, Array(symbols.dropLast(6)))
    }

    /// Regroups bits, most significant first. Nil when padding bits are set, too many, or missing.
    package static func regroup(_ values: [UInt8], from: Int, to: Int, pad: Bool) -> [UInt8]? {
        var accumulator = 0
        var bits = 0
        var out: [UInt8] = []
        for value in values {
            guard Int(value) >> from == 0 else { return nil }
            accumulator = (accumulator << from | Int(value)) & 0xFFFF
            bits += from
            while bits >= to {
                bits -= to
                out.append(UInt8(accumulator >> bits & (1 << to - 1)))
            }
        }
        if pad {
            if bits > 0 { out.append(UInt8(accumulator << (to - bits) & (1 << to - 1))) }
        } else if bits >= from || accumulator & (1 << bits - 1) != 0 {
            return nil
        }
        return out
    }

    private static func expand(_ hrp: String) -> [UInt8] {
        hrp.utf8.map { $0 >> 5 } + [0] + hrp.utf8.map { $0 & 31 }
    }

    private static func checksum(hrp: String, symbols: [UInt8]) -> [UInt8] {
        let value = polymod(expand(hrp) + symbols + [0, 0, 0, 0, 0, 0]) ^ 1
        return (0..<6).map { UInt8(value >> UInt32(5 * (5 - $0)) & 31) }
    }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        var check: UInt32 = 1
        for value in values {
            let top = check >> 25
            check = (check & 0x1FF_FFFF) << 5 ^ UInt32(value)
            // All ones where the generator's bit is set.
            check ^= 0x3b6a_57b2 & (0 &- (top & 1))
            check ^= 0x2650_8e6d & (0 &- (top >> 1 & 1))
            check ^= 0x1ea1_19fa & (0 &- (top >> 2 & 1))
            check ^= 0x3d42_33dd & (0 &- (top >> 3 & 1))
            check ^= 0x2a14_62b3 & (0 &- (top >> 4 & 1))
        }
        return check
    }
}
