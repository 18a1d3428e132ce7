import ChainClient
import Jobs
import Kernels
import Wire

/// The job of one index: a small product, always the same one, of random or of uploaded tensors.
struct Order: Sendable {
    /// What is multiplied: m×k by k×n, and whether the tensors are uploaded or made from a seed.
    struct Kind: Sendable {
        let dtype: DType
        let m: Int
        let k: Int
        let n: Int
        let isUploaded: Bool

        /// Uploaded tensors, and an output of 166,400 bytes: over `InlineTensor.maxBytes`, so that the miner uploads it.
        static let blobsBothWays = Kind(dtype: .f32, m: 260, k: 20, n: 160, isUploaded: true)
        /// An output of 9,000,000 bytes: over `CoordinatorClient.resumableBytes`, so that an upload that was cut is gone on with.
        static let resumable = Kind(dtype: .f32, m: 1500, k: 8, n: 1500, isUploaded: false)
        /// What a stream of orders goes through.
        static let mix = [
            Kind(dtype: .i8, m: 48, k: 64, n: 40, isUploaded: false), Kind(dtype: .f32, m: 40, k: 300, n: 24, isUploaded: true),
            Kind(dtype: .f64, m: 20, k: 30, n: 10, isUploaded: false), Kind(dtype: .i8, m: 300, k: 350, n: 20, isUploaded: true),
            Kind(dtype: .f32, m: 33, k: 65, n: 17, isUploaded: false), blobsBothWays,
        ]
    }

    let index: Int
    let spec: JobSpec
    /// What has to be uploaded first.
    let uploads: [Tensor]

    /// - Parameter kind: the index's own of the mix if nil.
    init(_ index: Int, _ kind: Kind? = nil) throws {
        self.index = index
        let kind = kind ?? Kind.mix[index % Kind.mix.count]
        var inputs: [InputSpec] = []
        var uploads: [Tensor] = []
        for (name, shape) in [("a", [kind.m, kind.k]), ("b", [kind.k, kind.n])] {
            let seed = SHA256.hash(utf8: "reliability|\(index)|\(name)")
            let descriptor = try TensorDescriptor(name: name, dtype: kind.dtype, shape: shape)
            if kind.isUploaded {
                let tensor = try RandomTensor(seed: seed, descriptor: descriptor).generate()
                uploads.append(tensor)
                inputs.append(InputSpec(descriptor, .blob(tensor.root)))
            } else {
                inputs.append(InputSpec(descriptor, .random(seed: seed)))
            }
        }
        spec = try JobSpec(type: "gemm", params: [:], inputs: inputs)
        self.uploads = uploads
    }
}
