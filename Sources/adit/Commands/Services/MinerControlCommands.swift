import ArgumentParser
import ChainClient
import Foundation
import Operations
import Wire

struct MinerPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop computing: at once between jobs, at the next checkpoint within one. It lasts over a restart.")

    @OptionGroup var options: MinerOptions

    func run() async throws {
        try await options.command("pause") { "Paused. What was computing stops at its next checkpoint. Go on with: adit miner resume" }
    }
}

struct MinerResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Work again, after a pause or a drain.")

    @OptionGroup var options: MinerOptions

    func run() async throws {
        try await options.command("resume") { "It works again, as its limits allow; see: adit miner status" }
    }
}

struct MinerDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Finish what is held and take nothing new: before an update or a reboot. It lasts over a restart.")

    @OptionGroup var options: MinerOptions
    @Flag(help: "Wait until nothing is held any more.") var wait = false

    func run() async throws {
        try await options.command("drain") { "Nothing new is taken. Take work again with: adit miner resume" }
        guard wait else { return }
        while true {
            guard let answer = try await options.ask("/status") else { throw Problem(.transportFailed, "the miner has ended; what it held is given to others") }
            if answer["control"]?["mode"]?.stringValue != "draining" { throw Problem(.canceled, "somebody told the miner something else meanwhile") }
            if answer["leases"]?.arrayValue?.isEmpty == true { break }
            try await Task.sleep(for: .seconds(1))
        }
        if !options.json { Terminal.say("Nothing is held any more.") }
    }
}

extension MinerOptions {
    /// The file with the token of the miner's local API.
    private var tokenPath: String {
        get throws(Problem) {
            if let data { return "\(data)/token" }
            if let devnet { return "\(devnet)/miner0/token" }
            return "\(try settings.text(.minerData))/token"
        }
    }

    /// Tells the miner to do something; prints its answer as JSON, or what `words` says.
    func command(_ name: String, _ words: () -> String) async throws(Problem) {
        try warn()
        let path = try tokenPath
        let url = try url()
        let http = try HTTPClient()
        defer { http.close() }
        do throws(Problem) {
            // The token goes nowhere but to where a miner was said to be.
            let headers = [(name: "Authorization", value: "Bearer \(try token(path))")]
            let request = HTTPRequest(.post, url, path: "/control/\(name)", headers: headers, limits: HTTPLimits(connect: .seconds(2)))
            let answer = try await http.send(request).json()
            if json { Terminal.emit(answer) } else { Terminal.say(words()) }
        } catch {
            throw explained(error, url, path)
        }
    }

    private func token(_ path: String) throws(Problem) -> String {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Problem(
                .ioFailed, "there is no token at \(path); a miner makes it at its start. Name the miner's folder with --data FOLDER, or --devnet FOLDER")
        }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw Problem(.ioFailed, "\(path) can't be read: run this as the user that the miner runs as")
        }
        return try Files.readSecret(path)
    }

    private func explained(_ problem: Problem, _ url: BaseURL, _ path: String) -> Problem {
        switch problem.code {
        case .transportFailed: Problem(.transportFailed, "no miner answers at \(url); is it running? Another address: --miner HOST:PORT")
        case .unauthorized: Problem(.unauthorized, "the miner at \(url) has another token than \(path): name that miner's folder with --data FOLDER")
        case .notFound: Problem(.notFound, "what answers at \(url) can't be controlled: an older miner, or another service")
        default: problem
        }
    }
}
