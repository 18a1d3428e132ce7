import Kernels
import Profiler
import Signing
import Wire

/// Seeded products: made for a certificate, and computed again for one.
enum Replay {
    /// The most memory for a product's tensors: 4096² of F64, three times, and some.
    private static let limit = 1 << 29

    /// One product of each arithmetic that the machine's best backend offers, from fresh seeds.
    static func make(_ hardware: Hardware, n: Int) async throws(Problem) -> [ReplayProduct] {
        try await OwnThread.run("adit-replay") { () throws(Problem) in
            var made: [ReplayProduct] = []
            for arithmetic in ReplayProduct.arithmetics {
                guard let backend = try best(hardware, arithmetic, n), let seed = Digest(bytes: SecureRandom.bytes(32)) else { continue }
                if let product = try ReplayProduct.run(arithmetic, n: n, seed: seed, on: backend, limit: limit) { made.append(product) }
            }
            return made
        }
    }

    /// The same products here; nil where this machine can't do one.
    static func again(_ products: [ReplayProduct], _ hardware: Hardware) async throws(Problem) -> [ReplayProduct?] {
        try await OwnThread.run("adit-replay") { () throws(Problem) in
            var made: [ReplayProduct?] = []
            for product in products {
                let backend = try best(hardware, product.arithmetic, product.n)
                made.append(
                    try backend.flatMap { (backend) throws(Problem) in
                        try ReplayProduct.run(product.arithmetic, n: product.n, seed: product.seed, on: backend, limit: limit)
                    })
            }
            return made
        }
    }

    /// The backend that a miner would choose.
    private static func best(_ hardware: Hardware, _ arithmetic: Arithmetic, _ n: Int) throws(Problem) -> (any ComputeBackend)? {
        let gemm = try GEMM(m: n, n: n, k: n, arithmetic: arithmetic)
        return hardware.backends.filter { $0.capability(for: gemm) != nil }
            .max { ($0.capability(for: gemm)?.operationsPerSecond ?? -1) < ($1.capability(for: gemm)?.operationsPerSecond ?? -1) }
    }
}
