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
    @Option(name: .customLong("chain-id"), help: "The chain's id (CHAIN_ID); asked of the coordinator where not given.") var chainID: String?

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
        throw noKey
    }

    /// Its address, for which no passphrase is needed.
    func payerKey() throws(Problem) -> PublicKey {
        if let key { return try KeyFile.read(key).publicKey }
        if let file = try file() { return try file.key("client").publicKey }
        throw noKey
    }

    private var noKey: Problem { Problem(.badKeyFile, "say whose key pays: --key FILE, or --devnet FOLDER") }

    /// The services, the payer and the chain.
    func client() async throws(Problem) -> JobClient { try await client(as: try payer()) }

    /// The same for somebody else's key.
    func client(as key: PrivateKey) async throws(Problem) -> JobClient {
        let http = try HTTPClient()
        let settings = try Settings()
        let file = try file()
        let url = coordinator ?? file?.coordinator ?? settings.text(.coordinatorURL)
        let coordinator = CoordinatorClient(try exposure.url(url), key: key, http: http)
        let chain: ChainID
        if let text = chainID ?? file?.chain.text ?? settings.given(.chainID) {
            chain = try ChainID(text)
        } else {
            chain = try await coordinator.networkState().chain
        }
        return JobClient(wallet: Wallet(node: try nodeClient(http), key: coordinator.key, chain: chain), coordinator: coordinator)
    }

    /// The payer's account, for a command that talks to the node alone.
    func wallet() throws(Problem) -> Wallet {
        let settings = try Settings()
        let file = try file()
        let chain = chainID ?? file?.chain.text ?? settings.text(.chainID)
        return Wallet(node: try nodeClient(HTTPClient()), key: try payer(), chain: try ChainID(chain))
    }
}
