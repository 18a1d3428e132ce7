import ArgumentParser
import ChainClient
import Jobs
import Operations
import Signing
import Wire

/// Whose money and which services: the options that `job` and `wallet` share.
struct ClientOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A devnet's folder: its URLs and its client's key are used.", valueName: "folder")) var devnet: String?
    @Option(help: ArgumentHelp("The chain node's URL (NODE_URL).", valueName: "url")) var node: String?
    @Option(help: ArgumentHelp("The coordinator's URL (COORDINATOR_URL).", valueName: "url")) var coordinator: String?
    @Option(help: ArgumentHelp("The key file that pays.", valueName: "file")) var key: String?
    @Option(name: .customLong("chain-id"), help: "The chain's id (CHAIN_ID); asked of the coordinator or the node where not given.") var chainID: String?

    @OptionGroup var keys: KeyOptions
    @OptionGroup var exposure: Exposure

    private func file() throws(Problem) -> DevnetFile? { try devnet.map { (folder) throws(Problem) in try DevnetFile.load(folder) } }

    func nodeClient(_ http: HTTPClient) throws(Problem) -> NodeClient {
        let settings = try Settings()
        let file = try file()
        let url = node ?? file?.rpc ?? settings.text(.nodeURL)
        return NodeClient(try exposure.url(url), http: http)
    }

    /// The key that pays. Throws `bad_key_file` where none is given.
    func payer() throws(Problem) -> PrivateKey {
        if let key { return try keys.ring(try Settings()).load(key) }
        if let file = try file() { return try file.key("client") }
        throw Problem(.badKeyFile, "say whose key pays: --key FILE, or --devnet FOLDER")
    }

    /// The public half, for which no passphrase is needed.
    /// - Parameter what: what else may be given, such as `an address`.
    func payerKey(or what: String) throws(Problem) -> PublicKey {
        if let key { return try KeyFile.read(key).publicKey }
        if let file = try file() { return try file.key("client").publicKey }
        throw Problem(.badRequest, "give \(what), or whose key it is: --key FILE, or --devnet FOLDER")
    }

    /// Whether a key was given.
    var hasKey: Bool { key != nil || devnet != nil }

    /// What was said of the chain; nil where nothing was.
    private func givenChain(_ settings: Settings, _ file: DevnetFile?) throws(Problem) -> ChainID? {
        if chainID == nil, let file { return file.chain }
        return settings.given(.chainID, chainID) == nil ? nil : try settings.chain(chainID)
    }

    /// The services, the payer and the chain. Throws `wrong_chain` where the coordinator works for another than the given one.
    func client() async throws(Problem) -> JobClient { try await client(as: try payer(), asksChain: true) }

    /// The same for somebody else's key.
    /// - Parameter asksChain: also where the chain's name was given, the coordinator is asked whether it is the same. Not where it may be gone.
    func client(as key: PrivateKey, asksChain: Bool = false) async throws(Problem) -> JobClient {
        let http = try HTTPClient()
        let settings = try Settings()
        let file = try file()
        let url = coordinator ?? file?.coordinator ?? settings.text(.coordinatorURL)
        let coordinator = CoordinatorClient(try exposure.url(url), key: key, http: http)
        let given = try givenChain(settings, file)
        let chain: ChainID
        if let given, !asksChain {
            chain = given
        } else {
            chain = try await coordinator.networkState().chain
            if let given { try same(given, as: chain, of: "coordinator \(url)") }
        }
        return JobClient(wallet: Wallet(node: try nodeClient(http), key: coordinator.key, chain: chain), coordinator: coordinator)
    }

    /// The payer's account, for a command that talks to the node alone. The chain is the node's; throws `wrong_chain` where another was given.
    func wallet() async throws(Problem) -> Wallet {
        let given = try givenChain(try Settings(), try file())
        let (node, key) = (try nodeClient(HTTPClient()), try payer())
        guard let name = try await node.params()["chain_id"]?.stringValue else { throw Problem(.badAnswer, "\(node.url) doesn't tell its chain's name") }
        let chain = try ChainID(name)
        if let given { try same(given, as: chain, of: "node \(node.url)") }
        return Wallet(node: node, key: key, chain: chain)
    }

    private func same(_ given: ChainID, as chain: ChainID, of service: String) throws(Problem) {
        guard given != chain else { return }
        throw Problem(.wrongChain, "the \(service) is of chain \(chain), and you gave \(given); leave out --chain-id and CHAIN_ID, or give another URL")
    }
}
