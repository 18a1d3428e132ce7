import Foundation
import OpenBLASBackend
import Wire

/// What the comparison of OpenBLAS's core types found, in a file beside the choices among the CPU's libraries: it counts for a week, on the same machine.
struct CoreTypeFile {
    private let file: ChoiceFile
    /// The processor and the threads.
    let fingerprint: Digest
    private static let lifetime: Int64 = 7 * 86_400

    var path: String { file.path }

    /// - Parameters:
    ///   - choices: the path of the choices' file.
    ///   - isForgotten: whether what it holds is compared anew.
    init(beside choices: String, fingerprint: Digest, isForgotten: Bool = false) {
        file = ChoiceFile(path: "\((choices as NSString).deletingLastPathComponent)/openblas.json", isForgotten: isForgotten)
        self.fingerprint = fingerprint
    }

    /// Nil where there is none, or none that counts: what it costs is another comparison.
    func load(at now: Int64 = WallClock.now().seconds) -> CoreTypeTrial? {
        guard let document = file.load() else { return nil }
        return try? parse(document, now)
    }

    private func parse(_ document: [UInt8], _ now: Int64) throws(Problem) -> CoreTypeTrial {
        var fields = try JSONFields(try JSON.parse(document), "core types")
        _ = try fields.integer("version", in: 1...1)
        let begun = try fields.integer("begun")
        guard begun <= now, now - begun <= Self.lifetime, try fields.digest("fingerprint") == fingerprint else { throw Problem(.notFound, "too old") }
        let trial = try CoreTypeTrial(json: try fields.value("trial"))
        try fields.finish()
        return trial
    }

    func save(_ trial: CoreTypeTrial, at now: Int64 = WallClock.now().seconds) {
        let document: JSON = ["version": 1, "begun": .integer(now), "fingerprint": .string(fingerprint.hex), "trial": trial.json]
        file.save(document.canonicalBytes)
    }
}
