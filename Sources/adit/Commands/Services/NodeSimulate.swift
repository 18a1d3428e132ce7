import ArgumentParser
import ChainNode
import Foundation
import Ledger
import Wire

/// Makes a chain of made-up jobs, to measure a node with.
struct NodeSimulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Write a chain of made-up jobs into a fresh store, to measure a node with.",
        discussion: "The chain's keys are known to everyone: never use it for anything else. FILE and FILE.genesis.json must not exist.")

    @Argument(help: "The SQLite file to make.") var file: String
    @Option(help: "How many blocks.") var blocks = 10_000
    @Option(help: "Jobs opened, and settled, in each block.") var jobs = 1
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard (1...10_000_000).contains(blocks), (0...1000).contains(jobs) else { throw Problem(.outOfRange, "1...10^7 blocks of 0...1000 jobs") }
        let genesisFile = file + ".genesis.json"
        for path in [file, genesisFile] where FileManager.default.fileExists(atPath: path) {
            throw Problem(.keyFileExists, "\(path) exists; nothing is overwritten")
        }
        let chain = try SimulatedChain(chain: ChainID("ait-simulated"), start: Int64(Date().timeIntervalSince1970) - Int64(blocks))
        let store = try SQLiteChainStore(path: file)
        try Files.write(Array((chain.genesis.json.canonicalString + "\n").utf8), to: genesisFile)
        let start = ContinuousClock.now
        var told = start
        try await chain.fill(store, blocks: Int64(blocks), jobs: jobs) { height in
            guard !json, ContinuousClock.now - told > .seconds(1) else { return }
            told = ContinuousClock.now
            Terminal.say("  block \(height) of \(blocks)")
        }
        let took = Double((ContinuousClock.now - start).components.seconds)
        if json {
            return Terminal.emit([
                "file": .string(file), "genesis": .string(genesisFile), "blocks": .integer(Int64(blocks)), "jobs": .integer(Int64(blocks * jobs)),
            ])
        }
        Terminal.say("\(blocks) blocks with \(blocks * jobs) jobs in \(file), \(Int(took)) s")
        Terminal.say("Next: adit node verify --db \(file), or adit node run --db \(file) --genesis \(genesisFile)")
    }
}
