package import ChainClient
import Ledger
package import Signing
import Wire

/// Asks a claim's coordinator whether it stands by it, before the mempool takes the claim: optional, and never part of
/// block validation (PROTOCOL section 8, `POST /attest/receipt`).
///
/// Only coordinators that the operator gave a URL for are asked, at that URL alone. Only a definite no refuses a claim: a
/// coordinator that is away, slow or confused stands in nobody's way.
package struct SoftCheck: Sendable {
    private let clients: [PublicKey: CoordinatorClient]
    private let patience: Duration

    /// - Parameters:
    ///   - urls: one for each coordinator's key.
    ///   - key: signs the requests, as every request to a coordinator is signed.
    ///   - patience: how long a claim waits for a coordinator's word.
    package init(_ urls: [PublicKey: BaseURL], key: PrivateKey, http: HTTPClient, patience: Duration) {
        self.patience = patience
        clients = urls.mapValues { CoordinatorClient($0, key: key, http: http) }
    }

    func knows(_ coordinator: PublicKey) -> Bool { clients[coordinator] != nil }

    /// Why the coordinator says no; nil for anything else.
    func objection(to claim: ReceiptClaim) async -> Problem? {
        guard let said = try? await clients[claim.coordinatorKey]?.objection(to: claim.terms, patience: patience) else { return nil }
        return said
    }
}
