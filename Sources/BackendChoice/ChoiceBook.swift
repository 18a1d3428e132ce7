import Kernels
import Wire

/// What was measured: for each class of work the operations per second of every member that was tried; 0 for one that failed.
struct ChoiceBook {
    typealias Speeds = [String: Double]

    /// More classes than a machine meets; further ones are measured but not kept.
    static let limit = 4096
    private static let largestDocument = 1 << 22

    private var measured: [WorkClass: Speeds] = [:]
    /// From the document, by the class's text, until somebody asks for the class.
    private var kept: [String: Speeds] = [:]
    /// When the first of it was measured: Unix time, in seconds.
    private let begun: Int64
    /// How long that counts, in seconds: a week, as a profile does.
    static let lifetime: Int64 = 7 * 86_400

    /// The speeds of a class, if every one of `names` was tried.
    mutating func speeds(_ work: WorkClass, of names: [String]) -> Speeds? {
        if measured[work] == nil, let speeds = kept[work.text] { measured[work] = speeds }
        guard let speeds = measured[work], names.allSatisfy({ speeds[$0] != nil }) else { return nil }
        return speeds
    }

    /// The speed of one member in a class; nil if it wasn't tried.
    mutating func speed(_ work: WorkClass, of name: String) -> Double? { speeds(work, of: [name])?[name] }

    mutating func note(_ speeds: Speeds, _ work: WorkClass) {
        guard measured.count < Self.limit || measured[work] != nil else { return }
        measured[work, default: [:]].merge(speeds) { $1 }
        kept[work.text] = measured[work]
    }

    /// The best speed in the class itself or the one that is nearest to it, of the same kind and arithmetic.
    func nearest(_ work: WorkClass) -> Double? {
        if let speeds = measured[work] { return speeds.values.max() }
        let near = measured.min { (work.distance($0.key) ?? .max, $0.key.text) < (work.distance($1.key) ?? .max, $1.key.text) }
        guard let near, work.distance(near.key) != nil else { return nil }
        return near.value.values.max()
    }

    /// The best member of each class, among those that didn't fail.
    var choices: [(work: String, member: String, operationsPerSecond: Double)] {
        kept.sorted { $0.key < $1.key }.compactMap { text, speeds in
            speeds.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { (text, $0.key, $0.value) }
        }
    }

    // MARK: the document

    /// A document that is torn, of another version, of another machine or older than its lifetime is as good as none.
    ///
    /// - Parameters:
    ///   - fingerprint: everything that the speeds hang on.
    ///   - now: Unix time, in seconds.
    static func read(_ document: [UInt8]?, fingerprint: Digest, at now: Int64) -> ChoiceBook {
        guard let document, document.count <= largestDocument, let book = try? parse(document, fingerprint, now) else { return ChoiceBook(begun: now) }
        return book
    }

    private init(kept: [String: Speeds] = [:], begun: Int64) { (self.kept, self.begun) = (kept, begun) }

    private static func parse(_ document: [UInt8], _ fingerprint: Digest, _ now: Int64) throws(Problem) -> ChoiceBook {
        var fields = try JSONFields(try JSON.parse(document), "choices")
        _ = try fields.integer("version", in: 2...2)
        let begun = try fields.integer("begun")
        guard begun <= now, now - begun <= lifetime else { throw Problem(.notFound, "too old") }
        let body = try fields.value("measured")
        guard try fields.digest("hash") == body.canonicalDigest else { throw Problem(.badJSON, "the file is torn") }
        guard try fields.digest("fingerprint") == fingerprint else { throw Problem(.notFound, "of another machine") }
        guard case .object(let classes) = body, classes.members.count <= limit else { throw Problem(.badJSON, "no classes") }
        var kept: [String: Speeds] = [:]
        for (text, members) in classes.members {
            guard case .object(let members) = members else { throw Problem(.badJSON, "no speeds") }
            for (name, speed) in members.members {
                guard case .integer(let speed) = speed else { throw Problem(.badJSON, "no speed") }
                kept[text, default: [:]][name] = Double(speed)
            }
        }
        return ChoiceBook(kept: kept, begun: begun)
    }

    func document(fingerprint: Digest) -> [UInt8] {
        let classes = kept.sorted { $0.key < $1.key }.prefix(Self.limit).map { text, speeds in
            let members = speeds.sorted { $0.key < $1.key }.map { ($0.key, JSON.integer(Int64(min(max($0.value, 0), 1e15)))) }
            return (text, JSON.object(JSONObject(distinct: members)))
        }
        let body = JSON.object(JSONObject(distinct: classes))
        let file: JSON = [
            "version": 2, "begun": .integer(begun), "fingerprint": .string(fingerprint.hex), "measured": body, "hash": .string(body.canonicalDigest.hex),
        ]
        return file.canonicalBytes
    }
}
