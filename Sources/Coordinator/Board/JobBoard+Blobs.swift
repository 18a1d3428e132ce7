import Jobs
import Logging
import Signing
import Wire

// How long blobs live.
extension JobBoard {
    /// Blobs at one time: removing a large file takes a moment.
    private static let sweepLimit = 64

    /// Removes blobs that no open job needs and that nobody has asked for lately, and gives their room back.
    func sweepBlobs(_ now: Int64) {
        do {
            try store.touchBlobs(neededBlobs(), now: now)
            let blobs = self.blobs
            let gone = try store.expireBlobs(before: now - configuration.limits.blobGraceMilliseconds, limit: Self.sweepLimit) { (root) throws(Problem) in
                try blobs.remove(root)
            }
            for blob in gone { gate.release(blob.owner, bytes: blob.bytes) }
            if !gone.isEmpty {
                let bytes = gone.reduce(0) { $0 + $1.bytes }
                logger.info("blobs_expired", metadata: ["blobs": .stringConvertible(gone.count), "bytes": .stringConvertible(bytes)])
            }
            // There may be more: the next tick goes on.
            if gone.count < Self.sweepLimit { nextSweep = now + configuration.limits.blobSweepMilliseconds }
        } catch {
            logger.error("blob_sweep_failed", metadata: ["error": "\(error)"])
            nextSweep = now + configuration.limits.blobSweepMilliseconds
        }
    }

    /// Inputs and outputs of all jobs in memory: those that are not at an end, and those whose receipt may still be claimed.
    private func neededBlobs() -> Set<Digest> {
        var roots: Set<Digest> = []
        for job in jobs.values {
            roots.formUnion(job.stored.spec.inputs.compactMap(\.root))
            roots.formUnion((job.stored.finished?.output ?? job.lease?.commitment?.output)?.outputs.map(\.root) ?? [])
        }
        return roots
    }

    /// An accepted output counts for nobody's quota: its worker has sold it.
    func takeOver(_ output: [Digest], from worker: Address) {
        do {
            let own = configuration.key.address
            gate.pass(bytes: try store.passBlobs(output, from: worker, to: own), from: worker, to: own)
        } catch {
            logger.error("blob_quota_failed", metadata: ["worker": "\(worker)", "error": "\(error)"])
        }
    }
}
