import ArgumentParser
import ChainClient
import Jobs
import Signing
import Wire

/// The node and the coordinator that an audit asks. Blobs and receipts are public; only a result's document belongs to its client.
struct AuditServices {
    let node: NodeClient
    let coordinator: CoordinatorClient
    let chain: ChainID
}

/// The services of an audit: those of a client, whose key is needed only to ask for a result's document.
struct AuditClientOptions: ParsableArguments {
    @OptionGroup var client: ClientOptions

    /// - Parameter needsKey: false where nothing that is asked belongs to somebody: a fresh key signs then.
    func services(needsKey: Bool) async throws(Problem) -> AuditServices {
        if needsKey, !client.hasKey {
            throw Problem(
                .badRequest,
                "a result's document belongs to its client: give it with --result FILE (`adit job result JOB --json` prints it), or the client's --key FILE")
        }
        let jobs = needsKey ? try await client.client() : try await client.client(as: PrivateKey.generate())
        return AuditServices(node: jobs.wallet.node, coordinator: jobs.coordinator, chain: jobs.wallet.chain)
    }
}
