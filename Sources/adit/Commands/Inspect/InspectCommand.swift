import ArgumentParser
import Foundation
import Kernels
import Ledger
import Signing
import Wire

/// Looks at documents without asking anybody: what they are, their hashes, and whether everything signed in them holds.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Look at a transaction, receipt, address, JSON document or tensor file.",
        subcommands: [InspectTransaction.self, InspectReceipt.self, InspectAddress.self, InspectJSON.self, InspectTensor.self])

    /// The largest document that is read, in bytes.
    static let limit = 64 << 20

    static func read(_ path: String) throws(Problem) -> [UInt8] {
        try path == "-" ? Files.readStandardInput(limit: limit) : Files.read(path, limit: limit)
    }

    /// Prints what was found, as lines or as one JSON object.
    static func show(_ facts: [(String, JSON)], json: Bool) {
        if json {
            Terminal.emit(.object(JSONObject(distinct: facts)))
        } else {
            for (name, value) in facts { Terminal.say("\(name): \(value.stringValue ?? value.canonicalString)") }
        }
    }
}

struct InspectTransaction: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tx", abstract: "Print a transaction's hash; exit 1 unless every signature and id in it holds.")

    @Argument(help: "A JSON file, or - for standard input.") var file: String
    @Option(name: .customLong("chain-id"), help: "The chain it is for.") var chainID: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let chain = try ChainID(chainID)
        let transaction = try Transaction(try JSON.parse(InspectCommand.read(file)))
        let hash = transaction.hash(on: chain)
        try transaction.checkSignature(hash: hash, known: nil)
        switch transaction.payload {
        case .receiptClaim(let claim): try InspectReceipt.check(claim, on: chain)
        case .transfer(let transfer):
            if let quote = transfer.quote, !quote.holds(on: chain) { throw Problem(.badSignature, "the quote's id or signature does not hold on \(chain)") }
        default: break
        }
        InspectCommand.show(
            [("hash", .string(hash.hex)), ("type", .string(transaction.payload.type)), ("sender", .string(transaction.sender.text)), ("holds", true)],
            json: json)
    }
}

struct InspectReceipt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "Print a receipt's hash; exit 1 unless both signatures and its id hold.")

    @Argument(help: "A JSON file with a RECEIPT_CLAIM's payload, or - for standard input.") var file: String
    @Option(name: .customLong("chain-id"), help: "The chain it is for.") var chainID: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let chain = try ChainID(chainID)
        let claim = try ReceiptClaim(try JSON.parse(InspectCommand.read(file)))
        try Self.check(claim, on: chain)
        InspectCommand.show(
            [
                ("receipt_id", .string(claim.terms.receiptID.text)), ("hash", .string(claim.terms.receiptDigest(on: chain).hex)),
                ("attest_hash", .string(claim.terms.attestDigest(on: chain, payment: claim.payment).hex)), ("miner", .string(claim.terms.miner.text)),
                ("coordinator", .string(claim.coordinatorKey.hex)), ("compute_units", .integer(claim.terms.computeUnits)),
                ("price", .integer(claim.terms.price)),
                ("holds", true),
            ], json: json)
    }

    static func check(_ claim: ReceiptClaim, on chain: ChainID) throws(Problem) {
        guard claim.terms.namesItself(on: chain) else { throw Problem(.wrongReceiptID, "the receipt's id does not follow from its fields on \(chain)") }
        guard claim.minerKey.address == claim.terms.miner else { throw Problem(.wrongMiner, "miner_pubkey is not miner_addr's") }
        guard claim.minerSignatureHolds(on: chain) else { throw Problem(.badSignature, "miner_sig does not hold on \(chain)") }
        guard claim.coordinatorSignatureHolds(on: chain, under: claim.coordinatorKey) else {
            throw Problem(.badSignature, "coordinator_sig does not hold on \(chain)")
        }
    }
}

struct InspectAddress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "address", abstract: "Check an address, or derive it from a public key.")

    @Argument(help: "An address (ait1…) or a public key (64 hex digits).") var value: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        if let key = PublicKey(hex: value) {
            InspectCommand.show([("address", .string(key.address.text)), ("public_key", .string(key.hex))], json: json)
            return
        }
        let address = try Address(value)
        let module: String? = address == .escrow ? "escrow" : address == .treasury ? "treasury" : nil
        InspectCommand.show([("address", .string(address.text)), ("module", module.map { .string($0) } ?? .null)].filter { $0.1 != .null }, json: json)
    }
}

struct InspectJSON: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "json", abstract: "Print a document's canonical form and its SHA-256, or why it is refused.")

    @Argument(help: "A JSON file, or - for standard input.") var file: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let document = try JSON.parse(InspectCommand.read(file))
        InspectCommand.show([("canonical", .string(document.canonicalString)), ("sha256", .string(document.canonicalDigest.hex))], json: json)
    }
}

struct InspectTensor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tensor", abstract: "List the tensors of a safetensors or .npy file with their roots, or why it is refused.")

    @Argument(help: "FILE.safetensors, FILE.safetensors#NAME or FILE.npy.") var file: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let argument = TensorArgument(file)
        let listed: [JSON] = try TensorFile.list(argument).map { file in
            let descriptor = file.tensor.descriptor
            return [
                "name": .string(descriptor.name), "dtype": .string(descriptor.dtype.rawValue), "shape": descriptor.shapeJSON,
                "bytes": .integer(Int64(descriptor.byteCount)), "root": .string(file.tensor.root.hex),
            ]
        }
        if json { return Terminal.emit(["tensors": .array(listed)]) }
        for entry in listed {
            Terminal.say(
                "\(entry["name"]?.stringValue ?? "")  \(entry["dtype"]?.stringValue ?? "") \(entry["shape"]?.canonicalString ?? "")  root \(entry["root"]?.stringValue ?? "")"
            )
        }
    }
}
