import ArgumentParser
import ChainClient
import Ledger
import Wire

/// Pays a quote that was asked for by other means, such as curl.
struct WalletPay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Pay a coordinator's quote into escrow and wait for the block.",
        discussion: "FILE is the answer to POST /tasks, or its member \"quote\" alone. Nothing is paid unless the quote is yours and holds on the chain.")

    @Argument(help: "A JSON file, or - for standard input.") var file: String
    @OptionGroup var client: ClientOptions
    @Option(name: .customLong("max-price"), help: "Pay no more than this, in AIT.") var maxPrice: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let document = try JSON.parse(InspectCommand.read(file))
        let quote = try Quote(document["quote"] ?? document)
        let jobs = try await client.client()
        guard quote.client == jobs.address else { throw Problem(.escrowMismatch, "the quote is for \(quote.client), and your key is \(jobs.address)'s") }
        guard quote.holds(on: jobs.wallet.chain) else { throw Problem(.badSignature, "the quote's id or signature does not hold on \(jobs.wallet.chain)") }
        try await jobs.checkPayable(quote, maxPrice: try maxPrice.map { (text) throws(Problem) in try AmountArgument.parse(text) })
        let payment = try await jobs.pay(quote)
        if json { return Terminal.emit(["taskId": .string(quote.jobID.text), "txHash": .string(payment.tx.hex), "height": .integer(payment.height)]) }
        Terminal.say("\(Figures.ait(quote.price)) in escrow for \(quote.jobID), block \(payment.height), transaction \(payment.tx)")
    }
}
