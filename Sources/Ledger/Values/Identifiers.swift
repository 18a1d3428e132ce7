package import Signing
package import Wire

/// A job's name: `job_` and 32 hex digits (PROTOCOL section 4).
package struct JobID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    /// Throws `bad_hex` unless the text is `job_` and 32 lower-case hex digits.
    package init(_ text: String) throws(Problem) {
        self.text = try Identifier.check(text, prefix: "job_", digits: 32)
    }

    private init(trusted text: String) { self.text = text }

    /// The name that follows from what the client asked for and the coordinator's salt.
    package static func derive(chain: ChainID, client: Address, specHash: Digest, salt: Salt) -> JobID {
        let digest = Preimage("adit.job.v1", chain, [client.text, specHash.hex, salt.text]).digest
        return JobID(trusted: "job_" + digest.hex.prefix(32))
    }

    package var description: String { text }
    package static func < (left: JobID, right: JobID) -> Bool { left.text < right.text }
}

/// A receipt's name: `rcpt_` and 32 hex digits.
package struct ReceiptID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    /// Throws `bad_hex` unless the text is `rcpt_` and 32 lower-case hex digits.
    package init(_ text: String) throws(Problem) {
        self.text = try Identifier.check(text, prefix: "rcpt_", digits: 32)
    }

    private init(trusted text: String) { self.text = text }

    /// The name that follows from a lease: one lease, one receipt.
    package static func derive(chain: ChainID, job: JobID, part: Int64, miner: Address, nonce: Nonce16) -> ReceiptID {
        let digest = Preimage("adit.rid.v1", chain, [job.text, String(part), miner.text, nonce.text]).digest
        return ReceiptID(trusted: "rcpt_" + digest.hex.prefix(32))
    }

    package var description: String { text }
    package static func < (left: ReceiptID, right: ReceiptID) -> Bool { left.text < right.text }
}

/// Sixteen bytes as 32 hex digits: a quote's salt or a lease's nonce, drawn by the coordinator.
package struct Nonce16: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// Throws `bad_hex` unless there are 32 lower-case hex digits.
    package init(_ text: String) throws(Problem) {
        self.text = try Identifier.check(text, prefix: "", digits: 32)
    }

    package var description: String { text }
}

package typealias Salt = Nonce16

/// The commitment to a job's output: `sha256:` and the hash of the output's metadata.
package struct OutputHash: Hashable, Sendable, CustomStringConvertible {
    package let digest: Digest

    package init(_ digest: Digest) { self.digest = digest }

    /// Throws `bad_hex` unless the text is `sha256:` and 64 lower-case hex digits.
    package init(_ text: String) throws(Problem) {
        guard text.utf8.starts(with: "sha256:".utf8), let digest = Digest(hex: String(text.dropFirst(7))) else {
            throw Problem(.badHex, "an output hash is \"sha256:\" and 64 lower-case hex digits")
        }
        self.digest = digest
    }

    package var text: String { "sha256:" + digest.hex }
    package var description: String { text }
}

private enum Identifier {
    static func check(_ text: String, prefix: String, digits: Int) throws(Problem) -> String {
        let bytes = text.utf8
        guard bytes.count == prefix.utf8.count + digits, bytes.starts(with: prefix.utf8),
            Hex.decode(String(decoding: bytes.dropFirst(prefix.utf8.count), as: UTF8.self)) != nil
        else {
            throw Problem(.badHex, "expected \(prefix.isEmpty ? "" : "\"\(prefix)\" and ")\(digits) lower-case hex digits")
        }
        return text
    }
}
