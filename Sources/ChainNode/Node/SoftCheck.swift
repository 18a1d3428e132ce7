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

    /// - Parameters:
    ///   - urls: one for each coordinator's key.
    ///   - key: signs the requests, as every request to a coordinator is signed.
    package init(_ urls: [PublicKey: BaseURL], key: PrivateKey, http: HTTPClient) {
        clients = urls.mapValues { CoordinatorClient($0, key: key, http: http) }
    }

    func knows(_ coordinator: PublicKey) -> Bool { clients[coordinator] != nil }

    /// Why the coordinator says no; nil for anything else.
    func objection(to claim: ReceiptClaim) async -> Problem? {
        guard let answer = try? await clients[claim.coordinatorKey]?.attestation(of: claim.terms) else { return nil }
        if !answer.exists { return Problem(.attestationRefused, "the claim's coordinator knows of no such result") }
        if !answer.isPaid { return Problem(.attestationRefused, "the claim's coordinator says that the job is not paid") }
        if !answer.isFirst { return Problem(.attestationRefused, "the claim's coordinator has attested another result for the job") }
        return nil
    }
}
