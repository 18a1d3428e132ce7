import ArgumentParser
import Foundation
import Operations
import Wire

/// The whole system on this machine.
struct DevnetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devnet", abstract: "Run a chain node, a coordinator and miners on loopback, and show two jobs paid.",
        discussion: "Keys, chain and logs stay in --dir; started again, the same chain goes on. Its coins are worth nothing.")

    @Option(help: "The folder for keys, stores and logs.") var dir = "./data/devnet"
    @Option(name: .customLong("port-base"), help: "First port: P node, P+1 peers, P+2 coordinator, P+10… miners. Without it 8080, 7070, 8090, 8100….")
    var portBase: Int?
    @Option(help: "How many miners, 1 to 16.") var miners = 1
    @Flag(help: "Stop once the jobs are paid and checked.") var once = false
    @Option(help: "The folder with the digits' files.") var examples: String?
    @Option(name: .customLong("log-level"), help: "trace … critical (LOG_LEVEL).") var logLevel: String?

    func validate() throws {
        guard (1...16).contains(miners) else { throw ValidationError("--miners is 1 to 16.") }
        if let portBase, !(1024...65_500).contains(portBase) { throw ValidationError("--port-base is 1024 to 65500.") }
    }

    func run() async throws {
        try Files.makeFolder(dir)
        let lock = try Files.lockFolder(dir)
        defer { try? lock.close() }
        let folder = try DevnetFolder(dir, miners: miners)
        let level = try Settings().text(.logLevel, logLevel)
        // Before the services: choosing OpenBLAS's core type changes the environment for a moment.
        let hardware = try await Hardware.open(threads: nil, choices: "\(dir)/backends.json")
        let devnet = try Devnet(
            folder: folder, ports: try DevnetPorts(base: portBase, miners: miners), digits: try Digits(folder: examples),
            hardware: hardware,
            logs: try Logs(level: level, file: folder.log), once: once)
        try await devnet.runToEnd()
    }
}
