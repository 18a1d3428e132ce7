import Kernels
import Wire

/// What was measured: for each class of work the operations per second of every member that was tried; 0 for one that failed.
struct ChoiceBook {
    typealias Speeds = [String: Double]

    /// What is known of a member in a class.
    private struct Record {
        /// Operations per second.
        var speed: Double
        /// How many large works it was seen at, as far as that matters.
        var works = 0
    }
    private typealias Records = [String: Record]

    /// More classes than a machine meets; further ones are measured but not kept.
    static let limit = 4096
    private static let largestDocument = 1 << 22

    private var measured: [WorkClass: Records] = [:]
    /// From the document, by the class's text, until somebody asks for the class.
    private var kept: [String: Records] = [:]
    /// When the first of it was measured: Unix time, in seconds.
    private let begun: Int64
    /// How long that counts, in seconds: a week, as a profile does.
    static let lifetime: Int64 = 7 * 86_400

    private mutating func records(_ work: WorkClass) -> Records {
        if measured[work] == nil, let records = kept[work.text] { measured[work] = records }
        return measured[work] ?? [:]
    }

    /// The speed of one member in a class; nil if it wasn't tried.
    mutating func speed(_ work: WorkClass, of name: String) -> Double? { records(work)[name]?.speed }

    /// The fastest of these members; nil if one of them wasn't tried, or all failed.
    mutating func fastest(_ work: WorkClass, of names: [String]) -> String? {
        let records = records(work)
        guard names.allSatisfy({ records[$0] != nil }) else { return nil }
        let best = names.max { (records[$0]?.speed ?? 0) < (records[$1]?.speed ?? 0) }
        return best.flatMap { records[$0]?.speed ?? 0 > 0 ? $0 : nil }
    }

    /// The member that a large work goes to: the fastest, unless one that may be as fast was not yet seen at as many large works as it takes.
    ///
    /// A trial is smaller than a large work, and caches make the difference. So the first works of a class go around among those whose trial came near to
    /// the best: no work is done twice for it, and none takes much longer than it would have. One that does much worse than its trial
    /// has its second chance too, since it may have been a neighbour's doing, unless it took hopelessly long.
    mutating func next(_ work: WorkClass, of names: [String]) -> String? {
        guard let fastest = fastest(work, of: names) else { return nil }
        let records = records(work)
        let best = records[fastest]?.speed ?? 0
        let open = names.filter { name in
            guard let record = records[name], record.works < Self.telling else { return false }
            return record.speed * (record.works == 0 ? SpeedTrial.near : SpeedTrial.hopeless) >= best
        }
        return open.min { one, other in
            guard let one = records[one], let other = records[other] else { return false }
            return (one.works, -one.speed) < (other.works, -other.speed)
        } ?? fastest
    }

    /// Large works that say what a member does: with more than one, a neighbour's moment isn't a member's speed.
    private static let telling = 2

    mutating func note(_ speeds: Speeds, _ work: WorkClass) {
        write(speeds.mapValues { Record(speed: $0) }, work)
    }

    /// What a large work took. The first ones say it alone, by the better of them. Later ones move what is known: one that was slower, perhaps by a
    /// neighbour's doing, by an eighth of the way, a faster one by half. A member that does worse for long so makes way for the next, and starts
    /// anew: if it was the neighbour, its next large works say so.
    ///
    /// - Returns: whether it is worth writing down.
    mutating func learn(_ speed: Double, _ work: WorkClass, of name: String, among names: [String]) -> Bool {
        guard var record = records(work)[name] else { return false }
        let (before, isNew) = (fastest(work, of: names), record.works < Self.telling)
        if isNew {
            record.speed = record.works == 0 ? speed : max(record.speed, speed)
            record.works += 1
        } else {
            record.speed += (speed - record.speed) / (speed < record.speed ? 8 : 2)
        }
        write([name: record], work)
        guard !isNew, fastest(work, of: names) != before else { return isNew }
        if name == before {
            record.works = 0
            write([name: record], work)
        }
        return true
    }

    private mutating func write(_ records: Records, _ work: WorkClass) {
        guard measured.count < Self.limit || measured[work] != nil else { return }
        let all = self.records(work).merging(records) { $1 }
        (measured[work], kept[work.text]) = (all, all)
    }

    /// The best speed in the class itself or the one that is nearest to it, of the same kind and arithmetic.
    func nearest(_ work: WorkClass) -> Double? {
        if let records = measured[work] { return Self.best(records) }
        let near = measured.min { (work.distance($0.key) ?? .max, $0.key.text) < (work.distance($1.key) ?? .max, $1.key.text) }
        guard let near, work.distance(near.key) != nil else { return nil }
        return Self.best(near.value)
    }

    private static func best(_ records: Records) -> Double? { records.values.map(\.speed).max() }

    /// The best member of each class, among those that didn't fail.
    var choices: [(work: String, member: String, operationsPerSecond: Double)] {
        kept.sorted { $0.key < $1.key }.compactMap { text, records in
            records.max { ($0.value.speed, $1.key) < ($1.value.speed, $0.key) }.map { (text, $0.key, $0.value.speed) }
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

    private init(kept: [String: Records] = [:], begun: Int64) { (self.kept, self.begun) = (kept, begun) }

    private static func parse(_ document: [UInt8], _ fingerprint: Digest, _ now: Int64) throws(Problem) -> ChoiceBook {
        var fields = try JSONFields(try JSON.parse(document), "choices")
        _ = try fields.integer("version", in: 3...3)
        let begun = try fields.integer("begun")
        guard begun <= now, now - begun <= lifetime else { throw Problem(.notFound, "too old") }
        let body = try fields.value("measured")
        guard try fields.digest("hash") == body.canonicalDigest else { throw Problem(.badJSON, "the file is torn") }
        guard try fields.digest("fingerprint") == fingerprint else { throw Problem(.notFound, "of another machine") }
        guard case .object(let classes) = body, classes.members.count <= limit else { throw Problem(.badJSON, "no classes") }
        var kept: [String: Records] = [:]
        for (text, members) in classes.members {
            guard case .object(let members) = members else { throw Problem(.badJSON, "no speeds") }
            for (name, record) in members.members {
                guard case .array(let both) = record, both.count == 2, case .integer(let speed) = both[0], case .integer(let works) = both[1],
                    (0...Int64(telling)).contains(works)
                else { throw Problem(.badJSON, "no speed") }
                kept[text, default: [:]][name] = Record(speed: Double(speed), works: Int(works))
            }
        }
        return ChoiceBook(kept: kept, begun: begun)
    }

    func document(fingerprint: Digest) -> [UInt8] {
        let classes = kept.sorted { $0.key < $1.key }.prefix(Self.limit).map { text, records in
            let members = records.sorted { $0.key < $1.key }.map { name, record in
                (name, JSON.array([.integer(Int64(min(max(record.speed, 0), 1e15))), .integer(Int64(record.works))]))
            }
            return (text, JSON.object(JSONObject(distinct: members)))
        }
        let body = JSON.object(JSONObject(distinct: classes))
        let file: JSON = [
            "version": 3, "begun": .integer(begun), "fingerprint": .string(fingerprint.hex), "measured": body, "hash": .string(body.canonicalDigest.hex),
        ]
        return file.canonicalBytes
    }
}
