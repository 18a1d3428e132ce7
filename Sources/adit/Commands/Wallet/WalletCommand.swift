import ArgumentParser
import ChainClient
import Foundation
import Ledger
import Signing
import Wire

/// Keys and money.
struct WalletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallet", abstract: "Make a key, back it up, look at a balance, send AIT, pay a quote.",
        subcommands: [
            WalletNew.self, WalletAddress.self, WalletChangePassphrase.self, WalletExport.self, WalletImport.self, WalletVerifyBackup.self,
            WalletBalance.self, WalletSend.self, WalletPay.self,
        ])
}

struct WalletNew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a key file (mode 0600) under a passphrase; an existing file is never overwritten.",
        discussion: "Without --passphrase-file the passphrase is asked twice on the terminal. It can't be recovered.")

    @Argument(help: "The file to make.") var file: String
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Without a passphrase: for devnets and tests.") var plain = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let key = try keys.ring(try Settings()).create(file, plain: plain)
        if json { return Terminal.emit(["address": .string(key.address.text), "public_key": .string(key.publicKey.hex), "file": .string(file)]) }
        Terminal.say(key.address.text)
        Terminal.say(
            plain
                ? "The key is in \(file), not encrypted. Whoever has the file has the money: keep a copy in a safe place."
                : "The key is in \(file). Without the file or without its passphrase the money is lost: keep a copy of both, in two places.")
        Terminal.say("Or write its 24 words on paper: adit wallet export \(file)")
    }
}

struct WalletChangePassphrase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change-passphrase", abstract: "Put a key file under a new passphrase; encrypts a plain one.",
        discussion: "The file is replaced once the new one was written and opened. Copies of the old one still open with the old passphrase.")

    @Argument(help: "A key file.") var file: String
    @Option(name: .customLong("new-passphrase-file"), help: "File of mode 0600 with the new passphrase; asked twice on the terminal where none is given.")
    var newPassphraseFile: String?
    @OptionGroup var keys: KeyOptions

    func run() async throws {
        let key = try keys.ring(try Settings()).changePassphrase(file, newFile: newPassphraseFile)
        Terminal.say("\(file) opens with the new passphrase: \(key.address)")
    }
}

struct WalletAddress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "address", abstract: "The address and public key of a key file.")

    @Argument(help: "A key file.") var file: String?
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let key = try file.map { (path) throws(Problem) in try KeyFile.read(path).publicKey } ?? client.payerKey(or: "a key file")
        if json { return Terminal.emit(["address": .string(key.address.text), "public_key": .string(key.hex)]) }
        Terminal.say(key.address.text)
        Terminal.say("public key \(key)")
    }
}

struct WalletBalance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "balance", abstract: "What an address holds.")

    @Argument(help: "An address; the key's own where none is given.") var address: String?
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let address = try address.map { (text) throws(Problem) in try Address(text) } ?? client.payerKey(or: "an address").address
        let record = try await client.nodeClient(HTTPClient()).getBalance(address)
        if json {
            return Terminal.emit([
                "address": .string(address.text), "balance": .integer(record.balance), "nonce": .integer(record.nonce), "staked": .integer(record.staked),
            ])
        }
        Terminal.say("\(address): \(Figures.ait(record.balance)), \(Figures.count(record.nonce, "transaction")) sent")
    }
}

struct WalletSend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "send", abstract: "Send AIT and wait for the block.")

    @Argument(help: "The recipient's address.") var to: String
    @Argument(help: "How much, in AIT, such as 1.5.") var amount: String
    @Option(help: "A note of up to 256 bytes, public for ever.") var memo: String?
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let transfer = try Transfer(to: try Address(to), amount: try AmountArgument.parse(amount), memo: memo)
        let sent = try await client.wallet().send(.transfer(transfer))
        if json { return Terminal.emit(["txHash": .string(sent.tx.hex), "height": .integer(sent.height)]) }
        Terminal.say("\(Figures.ait(transfer.amount)) to \(transfer.to), block \(sent.height), transaction \(sent.tx)")
    }
}
