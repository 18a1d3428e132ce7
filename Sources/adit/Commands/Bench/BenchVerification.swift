import Kernels
import Profiler
import Signing
import Wire

/// `adit bench --verify FILE`: who signed it, whether it holds, and with `--replay` whether its products come out the same here.
struct BenchVerification {
    let path: String
    let isReplayed: Bool
    let address: String?
    let html: String?
    let isJSON: Bool
    let threads: Int?

    func run() async throws {
        let file = try BenchTable.read(path)
        guard let signer = file.signer else {
            throw Problem(.badSignature, "\(path) is not signed: it is no certificate; one is made with `adit bench --certificate FILE`")
        }
        if let address, try Address(address) != signer.address {
            throw Problem(.badSignature, "\(path) is signed by \(signer.address.text), not by \(address)")
        }
        let document = file.document
        var replays: [(there: ReplayProduct, here: ReplayProduct?)] = []
        if isReplayed {
            let hardware = try await Hardware.open(threads: try LimitSettings.threads(try Settings(), threads))
            replays = Array(zip(document.products, try await Replay.again(document.products, hardware)))
        }
        let wrong = replays.filter { $0.here != nil && $0.here?.root != $0.there.root }
        if let html { try BenchTable.page(file, to: html) }
        if isJSON {
            Terminal.emit([
                "valid": .bool(wrong.isEmpty), "signer": .string(signer.address.text), "at": .integer(document.at), "machine": document.machine.json,
                "replays": .array(replays.map(Self.json)),
            ])
        } else {
            Terminal.say("signature  holds: \(signer.address.text)")
            for line in RateReport.lines(document) { Terminal.say(line) }
            Terminal.say("")
            for replay in replays { Terminal.say(Self.line(replay.there, replay.here)) }
            if isReplayed, document.products.isEmpty { Terminal.say("replay     the certificate has no products to compute again") }
            if !isReplayed, !document.products.isEmpty {
                Terminal.say("replay     \(document.products.count) products can be computed again: add --replay")
            }
        }
        guard wrong.isEmpty else {
            throw Problem(.outputMismatch, "\(wrong.count) of \(replays.count) products come out differently here: one of the two machines computes wrong")
        }
    }

    private static func line(_ there: ReplayProduct, _ here: ReplayProduct?) -> String {
        let what = "\(there.arithmetic.rawValue) \(there.n)"
        guard let here else { return "replay     \(what): this machine can't do it" }
        guard here.root == there.root else { return "replay     \(what): DIFFERENT bits" }
        let ratio = there.perSecond > 0 ? ", \(RateReport.two(Double(here.perSecond) / Double(there.perSecond))) of its speed here" : ""
        return "replay     \(what): the same bits\(ratio)"
    }

    private static func json(_ replay: (there: ReplayProduct, here: ReplayProduct?)) -> JSON {
        var members: [(String, JSON)] = [
            ("arithmetic", .string(replay.there.arithmetic.rawValue)), ("n", .integer(Int64(replay.there.n))), ("there", .integer(replay.there.perSecond)),
        ]
        if let here = replay.here { members += [("here", .integer(here.perSecond)), ("same", .bool(here.root == replay.there.root))] }
        return .object(JSONObject(distinct: members))
    }
}
