import ArgumentParser
import ChainNode
import Foundation
import Ledger
import Operations
import Wire

/// Executes a stored chain again and says what it found.
struct NodeVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Execute a node's whole chain again from its store and compare everything in it.",
        discussion: "Nothing is changed. The node must be stopped. Exit code 1 if anything is not what it should be.")

    @Option(help: "The SQLite file (DB_PATH).") var db: String?
    @Option(help: "A genesis.json that the chain must begin with; otherwise the store's own is taken.") var genesis: String?
    @Option(help: "The config file; ./adit.conf where not given, if it is there (ADIT_CONFIG).") var config: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let settings = try Settings(configFile: config)
        let path = settings.text(.dbPath, db)
        let document: Genesis? = try genesis.map { (file) throws(Problem) in try GenesisBuilder.load(file) }
        let verifier = ChainVerifier(try SQLiteChainStore(reading: path))
        let start = ContinuousClock.now
        var told = start
        do throws(ChainFault) {
            let found = try await verifier.run(genesis: document, now: Int64(Date().timeIntervalSince1970)) { height, last in
                guard !json, ContinuousClock.now - told > .seconds(1) else { return }
                told = ContinuousClock.now
                Terminal.say("  block \(height) of \(last)")
            }
            let seconds = Double((ContinuousClock.now - start).components.seconds) + Double((ContinuousClock.now - start).components.attoseconds) / 1e18
            report(found, path: path, seconds: seconds)
        } catch {
            fail(error, path: path)
            throw ExitCode(1)
        }
    }

    private func report(_ found: ChainFindings, path: String, seconds: Double) {
        if json {
            return Terminal.emit([
                "ok": true, "height": .integer(found.height), "hash": .string(found.hash.hex), "transactions": .integer(Int64(found.transactions)),
                "failed": .integer(Int64(found.failed)), "claims": .integer(Int64(found.claims)), "refunds": .integer(Int64(found.refunds)),
                "records": .integer(Int64(found.records)), "genesis_supply": .integer(found.genesisSupply), "minted": .integer(found.minted),
                "burned": .integer(found.burned), "supply": .integer(found.supply),
            ])
        }
        Terminal.say("\(path): every block is what it should be (\(String(format: "%.1f", seconds)) s)")
        Terminal.say("  height        \(found.height), \(found.hash)")
        Terminal.say("  transactions  \(found.transactions), of which \(found.failed) failed; \(found.claims) claims, \(found.refunds) refunds")
        Terminal.say("  records       \(found.records)")
        Terminal.say(
            "  supply        \(Figures.ait(found.genesisSupply)) at genesis + \(Figures.ait(found.minted)) minted - \(Figures.ait(found.burned)) burned"
                + " = \(Figures.ait(found.supply)) in the records")
    }

    private func fail(_ fault: ChainFault, path: String) {
        if json {
            return Terminal.emit([
                "ok": false, "height": fault.height.map { .integer($0) } ?? .null, "code": .string(fault.problem.code.rawValue),
                "detail": .string(fault.problem.detail),
            ])
        }
        Terminal.complain(
            "\(path): \(fault.height.map { "block \($0) is bad" } ?? "not a sound chain"): \(fault.problem.code.rawValue): \(fault.problem.detail)")
    }
}
