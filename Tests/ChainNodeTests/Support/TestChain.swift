import ChainNode
import Foundation
import Ledger
import Signing
import Wire

/// A small chain's keys and genesis, the same in every run.
struct TestChain {
    static let start: Int64 = 1_750_000_000
    static let interval: Int64 = 2
    static let token = "0123456789abcdef0123456789abcdef"

    let authority: PrivateKey
    let admin: PrivateKey
    let client: PrivateKey
    let miner: PrivateKey
    let coordinator: PrivateKey
    let genesis: Genesis

    init(chain: String = "ait-test-n", clientBalance: Int64 = 1_000_000) throws {
        authority = try PrivateKey(seed: [UInt8](repeating: 1, count: 32))
        admin = try PrivateKey(seed: [UInt8](repeating: 2, count: 32))
        client = try PrivateKey(seed: [UInt8](repeating: 3, count: 32))
        miner = try PrivateKey(seed: [UInt8](repeating: 4, count: 32))
        coordinator = try PrivateKey(seed: [UInt8](repeating: 5, count: 32))
        let parameters = try Parameters(
            [.blockInterval: Self.interval], authorities: [authority.publicKey], coordinators: [coordinator.publicKey], admin: admin.publicKey)
        genesis = try Genesis(
            chain: ChainID(chain), timestamp: Self.start, accounts: [client.address: clientBalance, admin.address: 5_000_000], parameters: parameters)
    }

    var chain: ChainID { genesis.chain }

    func transfer(_ amount: Int64, to: Address, nonce: Int64, fee: Int64 = 10, memo: String? = nil, quote: Quote? = nil) throws -> Transaction {
        let payload = Payload.transfer(try Transfer(to: to, amount: amount, memo: memo, quote: quote))
        return .signed(by: client, chain: chain, nonce: nonce, fee: fee, payload: payload)
    }

    /// - Parameter salt: another one gives another job.
    func quote(price: Int64 = 1000, units: Int64 = 7, expires: Int64 = 100, salt: Int? = nil) throws -> Quote {
        try .signed(
            by: coordinator, chain: chain, client: client.address, specHash: SHA256.hash(utf8: "spec"),
            salt: Salt(salt.map { String(SHA256.hash(utf8: "\($0)").hex.prefix(32)) } ?? String(repeating: "a", count: 32)), computeUnits: units, price: price,
            expiresHeight: expires)
    }

    /// The miner's claim of the whole job, signed by both.
    func claim(_ quote: Quote, payment: Digest) throws -> Transaction {
        let terms = try ReceiptTerms(
            chain: chain, jobID: quote.jobID, part: 0, client: client.address, miner: miner.address, payout: miner.address,
            computeUnits: quote.computeUnits, price: quote.price, outputHash: OutputHash(SHA256.hash(utf8: "output")),
            nonce: Nonce16(String(repeating: "b", count: 32)))
        let claim = ReceiptClaim(
            terms: terms, payment: payment, minerKey: miner.publicKey, minerSignature: miner.sign(terms.receiptDigest(on: chain)),
            coordinatorKey: coordinator.publicKey, coordinatorSignature: coordinator.sign(terms.attestDigest(on: chain, payment: payment)))
        return .signed(by: miner, chain: chain, nonce: 1, fee: 10, payload: .receiptClaim(claim))
    }
}

/// A folder of its own for one test, removed with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("adit-node-" + SecureRandom.hex(bytes: 8))
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    var database: String { path + "/chain.db" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
