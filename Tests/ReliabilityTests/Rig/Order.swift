import ChainClient
import Jobs
import Kernels
import Wire

/// The job of one index: a small product, always the same one, of random or of uploaded tensors.
struct Order: Sendable {
    let index: Int
    let spec: JobSpec
    /// What has to be uploaded first.
    let uploads: [Tensor]

    init(_ index: Int) throws {
        self.index = index
        let kinds: [(dtype: DType, m: Int, k: Int, n: Int, isUploaded: Bool)] = [
            (.i8, 48, 64, 40, false), (.f32, 40, 300, 24, true), (.f64, 20, 30, 10, false), (.i8, 300, 350, 20, true), (.f32, 33, 65, 17, false),
        ]
        let kind = kinds[index % kinds.count]
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
