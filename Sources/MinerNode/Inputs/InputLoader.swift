import ChainClient
import Jobs
import Kernels
import TensorFiles
import Wire

/// Brings a job's inputs: blobs from the coordinator by way of the cache, random ones from their seed.
struct InputLoader: Sendable {
    let cache: BlobCache
    let coordinator: CoordinatorClient

    /// Brings every blob of the job to the disk; a root that two inputs share comes once.
    ///
    /// - Throws: `blob_mismatch`, `unknown_blob`, or why the coordinator can't be reached, after a few tries.
    func prefetch(_ spec: JobSpec, pauses: Pauses) async throws(Problem) {
        var seen: Set<Digest> = []
        for input in spec.inputs {
            guard let root = input.root, seen.insert(root).inserted else { continue }
            var pauses = pauses
            var tries = 0
            while true {
                do throws(Problem) {
                    try await cache.fetch(root, byteCount: input.descriptor.byteCount, from: coordinator)
                    break
                } catch {
                    tries += 1
                    guard error.isTransient, tries < 5, !Task.isCancelled else { throw error }
                    try? await Task.sleep(for: pauses.next())
                }
            }
        }
    }

    /// The inputs in memory, in the spec's order. Synchronous: on a thread of its own. Call after `prefetch`.
    ///
    /// - Throws: `blob_mismatch` for a file that has gone bad on disk, and it is dropped; `memory_limit`.
    func load(_ spec: JobSpec, limit: Int) throws(Problem) -> [Tensor] {
        var tensors: [Tensor] = []
        // A product of a matrix with itself is common: its file is mapped and hashed once.
        var checked: [Digest: TensorBuffer] = [:]
        for input in spec.inputs {
            switch input.source {
            case .random(let seed): tensors.append(try RandomTensor(seed: seed, descriptor: input.descriptor).generate(limit: limit))
            case .blob(let root):
                let bytes = if let known = checked[root] { known } else { try read(input, root) }
                checked[root] = bytes
                tensors.append(try Tensor(input.descriptor, bytes))
            }
        }
        return tensors
    }

    private func read(_ input: InputSpec, _ root: Digest) throws(Problem) -> TensorBuffer {
        let bytes = try MappedFile(cache.path(root)).buffer()
        let found = unsafe bytes.withUnsafeBytes { raw in unsafe TensorRoot.root(of: raw) }
        guard bytes.byteCount == input.descriptor.byteCount, found == root else {
            cache.drop(root)
            throw Problem(.blobMismatch, "input \(input.name) is not its address's")
        }
        return bytes
    }
}
