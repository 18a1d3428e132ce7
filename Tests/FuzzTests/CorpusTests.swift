import Foundation
import FuzzTargets
import TestSupport
import Testing
import Wire

/// The fuzzers' kept inputs, in the normal suite: seeds, interesting ones, and every crash there ever was.
@Suite struct CorpusTests {
    static let folder = Vectors.packageRoot.appending(path: "Tests/FuzzCorpus")

    @Test(arguments: FuzzTarget.allCases) func everyKeptInputHolds(target: FuzzTarget) throws {
        let folder = Self.folder.appending(path: target.rawValue)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!files.isEmpty)
        for file in files where file != "found.base64" { try target.run(Array(try Data(contentsOf: folder.appending(path: file)))) }
        // One input a line: the smallest that libFuzzer found to reach something new.
        let found = String(decoding: try Data(contentsOf: folder.appending(path: "found.base64")), as: UTF8.self).split(separator: "\n")
        #expect(found.count > 50)
        for line in found { try target.run(Array(try #require(Data(base64Encoded: String(line))))) }
    }

    /// The seeds that are kept are those that our encoders make today: a format that changes takes its corpus along.
    @Test(arguments: FuzzTarget.allCases) func seedsAreUpToDate(target: FuzzTarget) throws {
        for seed in try target.seeds() {
            let file = Self.folder.appending(path: "\(target.rawValue)/seed-\(seed.name)")
            #expect(try Array(Data(contentsOf: file)) == seed.bytes, "run scripts/fuzz --seeds: \(file.lastPathComponent)")
        }
    }

    /// A little fuzzing on any machine, always the same: bytes changed, cut, copied and put in.
    @Test(arguments: FuzzTarget.allCases) func mutatedSeedsHold(target: FuzzTarget) throws {
        var random = TestRandom(UInt64(target.rawValue.utf8.reduce(0) { $0 * 31 + Int($1) }))
        for seed in try target.seeds() {
            for _ in 0..<150 {
                var bytes = seed.bytes
                for _ in 0...Int.random(in: 0...3, using: &random) { Self.mutate(&bytes, &random) }
                try target.run(bytes)
            }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout TestRandom) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        default: bytes.insert(contentsOf: Array("0123456789".utf8.shuffled(using: &random).prefix(3)), at: place)
        }
    }

    /// A property that doesn't hold is noticed, so that the suite can fail: the replay is not a formality.
    @Test func aBrokenPropertyIsAFind() throws {
        let signed = try #require(try FuzzTarget.request.seeds().first)
        try FuzzTarget.request.run(signed.bytes)
        let transaction = try #require(try FuzzTarget.transaction.seeds().first)
        #expect(try JSON.parse(transaction.bytes)["type"]?.stringValue == "TRANSFER")
    }
}
