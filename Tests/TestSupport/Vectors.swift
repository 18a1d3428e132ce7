package import Foundation
package import Testing
package import Wire

/// The published and golden vectors beside the checkout, at `../shared/vectors`; tests that need them are skipped, saying so, where they are absent.
package enum Vectors {
    package static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    package static let folder = packageRoot.appending(path: "../shared/vectors").standardized

    package static let present = FileManager.default.fileExists(atPath: folder.path)
    package static let missing: Comment = "skipped: no vectors at ../shared/vectors"

    package static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: path))) }

    /// A file of the package itself, such as one of `examples/`.
    package static func file(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: packageRoot.appending(path: path))) }

    package static func json(_ path: String) throws -> JSON { try JSON.parse(bytes(path), reals: true) }

    /// One list of protocol-v1.json.
    package static func protocolCases(_ name: String) throws -> [JSON] { try json("protocol-v1.json")[name]?.arrayValue ?? [] }
}

/// SplitMix64 (Steele, Lea and Flood 2014): seeded numbers for tests.
package struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Near standard normal: four uniforms, of variance 1/12 each.
    package mutating func normal() -> Double { (unit() + unit() + unit() + unit() - 2) * 1.732_050_807_568_877_2 }

    /// 32 bytes, such as a challenge.
    package mutating func bytes32() -> [UInt8] { (0..<32).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
