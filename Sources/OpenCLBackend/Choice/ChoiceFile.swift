import Foundation
import Wire

/// What was measured on a device, kept on disk so that the next start needn't: which engine is used for an arithmetic, how fast it was,
/// and CLBlast's tuned parameters.
///
/// It counts for one device, driver and version of our kernels. A file that is torn or of another kind is as good as none.
struct ChoiceFile: Sendable, Equatable {
    struct Choice: Sendable, Equatable {
        let engine: String
        /// Operations per second on a large product, and seconds that the smallest takes.
        let operationsPerSecond: Double
        let overhead: Double
    }

    /// By the arithmetic's name.
    var choices: [String: Choice] = [:]
    /// CLBlast's parameters of `Xgemm` by precision, in the order of `XgemmParameters.names`; empty where its own are the best.
    var tuned: [String: [Int]] = [:]

    static func path(_ folder: String, _ fingerprint: Digest) -> String { "\(folder)/choice-\(fingerprint.hex.prefix(32)).json" }

    static func load(_ folder: String?, _ fingerprint: Digest) -> ChoiceFile? {
        guard let folder, let data = FileManager.default.contents(atPath: path(folder, fingerprint)), data.count < 1 << 16 else { return nil }
        return try? ChoiceFile(reading: Array(data), fingerprint)
    }

    /// That it can't be kept costs a measurement at the next start, and nothing else.
    func save(_ folder: String?, _ fingerprint: Digest) {
        guard let folder else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try? Foundation.Data(bytes(fingerprint)).write(to: URL(filePath: Self.path(folder, fingerprint)), options: .atomic)
    }

    func bytes(_ fingerprint: Digest) -> [UInt8] {
        let engines = choices.sorted { $0.key < $1.key }.map { name, choice -> JSON in
            [
                "arithmetic": .string(name), "engine": .string(choice.engine), "speed": .integer(Self.whole(choice.operationsPerSecond)),
                "nanoseconds": .integer(Self.whole(choice.overhead * 1e9)),
            ]
        }
        let parameters = tuned.sorted { $0.key < $1.key }.map { name, values -> JSON in
            ["precision": .string(name), "xgemm": .array(values.map { .integer(Int64($0)) })]
        }
        let body: JSON = ["device": .string(fingerprint.hex), "engines": .array(engines), "tuned": .array(parameters)]
        return (["version": 1, "measured": body, "hash": .string(body.canonicalDigest.hex)] as JSON).canonicalBytes
    }

    private static func whole(_ number: Double) -> Int64 { Int64(min(max(number.rounded(), 0), 9e15)) }

    init() {}

    init(reading bytes: [UInt8], _ fingerprint: Digest) throws(Problem) {
        var file = try JSONFields(try JSON.parse(bytes), "choices")
        _ = try file.integer("version", in: 1...1)
        let body = try file.value("measured")
        guard try file.digest("hash") == body.canonicalDigest else { throw Problem(.badJSON, "the file is torn") }
        var measured = try JSONFields(body, "measured")
        guard try measured.digest("device") == fingerprint else { throw Problem(.notFound, "of another device") }
        for item in try measured.array("engines", maxCount: 64) {
            var fields = try JSONFields(item, "engine")
            choices[try fields.string("arithmetic")] = Choice(
                engine: try fields.string("engine"), operationsPerSecond: Double(try fields.integer("speed")),
                overhead: Double(try fields.integer("nanoseconds")) / 1e9)
        }
        for item in try measured.array("tuned", maxCount: 8) {
            var fields = try JSONFields(item, "tuned")
            tuned[try fields.string("precision")] = try fields.array("xgemm", maxCount: 64).map { number throws(Problem) in
                guard let value = number.integerValue, (0...1 << 20).contains(value) else { throw Problem(.outOfRange, "a parameter") }
                return Int(value)
            }
        }
    }
}
