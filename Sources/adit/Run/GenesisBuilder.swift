import Foundation
import Ledger
import Signing
import Wire

/// Makes and reads genesis documents.
enum GenesisBuilder {
    /// A genesis that starts now.
    static func build(
        chain: ChainID, authorities: [PublicKey], coordinators: [PublicKey], admin: PublicKey, accounts: [Address: Int64], parameters: [Parameter: Int64]
    ) throws(Problem) -> Genesis {
        let parameters = try Parameters(parameters, authorities: authorities, coordinators: coordinators, admin: admin)
        return try Genesis(chain: chain, timestamp: Int64(Date().timeIntervalSince1970), accounts: accounts, parameters: parameters)
    }

    static func load(_ path: String) throws(Problem) -> Genesis { try Genesis(try JSON.parse(Files.read(path, limit: 256 << 20))) }

    /// The hash of the block at height 0.
    static func hash(_ genesis: Genesis) throws(Problem) -> Digest { try genesis.block().hash }
}
