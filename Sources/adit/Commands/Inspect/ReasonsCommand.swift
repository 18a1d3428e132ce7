import ArgumentParser
import Jobs
import Operations
import Wire

struct ReasonsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reasons", abstract: "What the codes mean that say why there is no work, pay or full speed, and what to do.",
        discussion: "The same codes stand in adit miner status, on the miner's page, in its log and in the coordinator's answers.")

    @Argument(help: "One code, such as no_jobs; all of them where not given.", completion: .list(WorkReason.allCases.map(\.rawValue))) var code: String?
    @Flag(help: "Print one JSON object.") var json = false

    @Flag(help: .hidden) var document = false

    func run() throws {
        if document { return Terminal.say(String(ReasonDocument.tables.dropLast())) }
        let reasons = try code.map { (name) throws(Problem) in [try Self.reason(name)] } ?? WorkReason.allCases
        if json { return Terminal.emit(["reasons": .array(reasons.map(\.json))]) }
        for kind in WorkReason.Kind.allCases {
            let members = reasons.filter { $0.kind == kind }
            if code == nil, !members.isEmpty { Terminal.say("\(kind == .noWork ? "" : "\n")\(ReasonDocument.title(kind))") }
            for reason in members {
                for line in ReasonTexts.lines(reason) { Terminal.say(line) }
            }
        }
    }

    private static func reason(_ name: String) throws(Problem) -> WorkReason {
        guard let reason = WorkReason(rawValue: name.lowercased().replacing("-", with: "_")) else {
            throw Problem(.outOfRange, "no reason is called \"\(name.prefix(64))\"\(NearestName.hint(name, among: WorkReason.allCases.map(\.rawValue)))")
        }
        return reason
    }
}

/// Reasons as people read them.
enum ReasonTexts {
    /// Code and meaning, and below what to do; at most 80 columns.
    static func lines(_ reason: WorkReason) -> [String] {
        let indent = String(repeating: " ", count: 25)
        let code = "  " + reason.rawValue + String(repeating: " ", count: max(1, 23 - reason.rawValue.count))
        return reason.meaning.wrapped(first: code, rest: indent, width: 80) + "-> \(reason.remedy)".wrapped(first: indent, rest: indent, width: 80)
    }
}
