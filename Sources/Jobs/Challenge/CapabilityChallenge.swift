import Kernels
package import Ledger
package import Signing
package import Wire

/// A product that a worker has to compute at once, to show that it does what its tier asks for (PROTOCOL section 9, "Capability challenges").
///
/// Its inputs follow from the worker's address and a nonce that did not exist before, so nobody can have the answer ready, take another
/// worker's, or give one answer twice.
package struct CapabilityChallenge: Sendable, Equatable {
    /// The product's shape: C, m × n, = A, m × k, · B, k × n; F32, panel-256.
    package struct Size: Sendable, Equatable {
        package let m: Int
        package let n: Int
        package let k: Int

        package init(m: Int, n: Int, k: Int) { (self.m, self.n, self.k) = (m, n, k) }

        /// No challenge is larger in any dimension: A, B and C stay below 2 GiB each.
        static let largest: Int64 = 16_384
    }

    package let worker: Address
    package let nonce: Nonce16
    package let size: Size
    /// Unix milliseconds by the coordinator's clock: as it sent the challenge, and until when the root of C shows anything.
    package let issuedMilliseconds: Int64
    package let deadlineMilliseconds: Int64

    package init(worker: Address, nonce: Nonce16, size: Size, issuedMilliseconds: Int64, deadlineMilliseconds: Int64) {
        (self.worker, self.nonce, self.size) = (worker, nonce, size)
        (self.issuedMilliseconds, self.deadlineMilliseconds) = (issuedMilliseconds, deadlineMilliseconds)
    }

    /// The product as a job's spec: both sides make its inputs, and check its output, as those of any job.
    ///
    /// Throws `out_of_range` for a shape that no product has.
    package func spec() throws(Problem) -> JobSpec {
        let a = try TensorDescriptor(name: "a", dtype: .f32, shape: [size.m, size.k])
        let b = try TensorDescriptor(name: "b", dtype: .f32, shape: [size.k, size.n])
        return try JobSpec(
            type: GEMMKernel.name, params: [:],
            inputs: [InputSpec(a, .random(seed: seed("adit.challenge.v1"))), InputSpec(b, .random(seed: seed("adit.challenge.b.v1")))])
    }

    private func seed(_ tag: String) -> Digest { SHA256.hash(utf8: "\(tag)|\(worker.text)|\(nonce.text)") }

    /// Reads what `POST /leases` answered its caller, `worker`.
    package init(json: JSON, worker: Address) throws(Problem) {
        var fields = try JSONFields(json, "challenge")
        self.worker = worker
        nonce = try fields.nonce16("nonce")
        let sides = 1...Size.largest
        size = Size(m: Int(try fields.integer("m", in: sides)), n: Int(try fields.integer("n", in: sides)), k: Int(try fields.integer("k", in: sides)))
        issuedMilliseconds = try fields.integer("issuedMs")
        deadlineMilliseconds = try fields.integer("deadlineMs")
    }

    package var json: JSON {
        [
            "nonce": .string(nonce.text), "m": .integer(Int64(size.m)), "n": .integer(Int64(size.n)), "k": .integer(Int64(size.k)),
            "issuedMs": .integer(issuedMilliseconds), "deadlineMs": .integer(deadlineMilliseconds),
        ]
    }
}
