import Jobs
import Ledger
import Signing
import Wire

extension OutboxEntry {
    /// What never changes, shared by an entry's copies: it has dozens of parts, and entries are copied often.
    final class Lasting: Sendable, Equatable {
        let chain: ChainID
        let leaseID: String
        let heartbeatMilliseconds: Int64
        let coordinator: PublicKey
        let payment: Digest
        let result: LeaseResult

        init(chain: ChainID, leaseID: String, heartbeatMilliseconds: Int64, coordinator: PublicKey, payment: Digest, result: LeaseResult) {
            (self.chain, self.leaseID, self.heartbeatMilliseconds) = (chain, leaseID, heartbeatMilliseconds)
            (self.coordinator, self.payment, self.result) = (coordinator, payment, result)
        }

        static func == (left: Lasting, right: Lasting) -> Bool {
            left === right
                || left.chain == right.chain && left.leaseID == right.leaseID && left.heartbeatMilliseconds == right.heartbeatMilliseconds
                    && left.coordinator == right.coordinator && left.payment == right.payment && left.result == right.result
        }
    }
}
