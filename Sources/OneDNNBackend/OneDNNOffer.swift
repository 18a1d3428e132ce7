import COneDNN
import Kernels
import Wire

/// Which products oneDNN got right on this processor, with this many threads.
struct OneDNNOffer {
    /// Reproducible F32 is promised for m and n from here only: on AVX-512, 0 of 3,000 random products with m, n from 16 to 1,000 left the
    /// rule, with 1 to 96 threads; a third of the thinner ones did, and most of all sizes on AVX2.
    static let bound = 32

    private var single: Set<Arithmetic> = []
    private var batched: Set<Arithmetic> = []

    var isEmpty: Bool { single.isEmpty && batched.isEmpty }

    private static let tried: [Arithmetic] = [.i32Exact, .f32, .bf16F32, .f32Panel256]

    /// What was tried in vain, in words.
    var missing: [String] {
        Self.tried.filter { !single.contains($0) }.map(\.rawValue)
            + Self.tried.filter { single.contains($0) && !batched.contains($0) }.map { "batches of \($0.rawValue)" }
    }

    func covers(_ gemm: GEMM) -> Bool {
        guard gemm.batch == nil ? single.contains(gemm.arithmetic) : batched.contains(gemm.arithmetic) else { return false }
        return gemm.arithmetic != .f32Panel256 || (gemm.m >= Self.bound && gemm.n >= Self.bound)
    }

    static func tried(_ engine: OneDNNEngine, _ plans: inout OneDNNPlans, _ trial: ProductTrial) -> OneDNNOffer {
        var offer = OneDNNOffer()
        let hasWideVectors = engine.library.cpuISA().rawValue & dnnl_cpu_isa_avx512_core.rawValue == dnnl_cpu_isa_avx512_core.rawValue
        for arithmetic in tried {
            let isPanels = arithmetic == .f32Panel256
            if isPanels && !hasWideVectors { continue }
            let multiply = { (gemm: GEMM, a: Tensor, b: Tensor, c: Tensor) throws(Problem) in
                try OneDNNProduct(engine, gemm, a, b, c).run(&plans, .none)
            }
            if trial.passes(arithmetic, isPanels ? panelShapes : ProductTrial.general, multiply) { offer.single.insert(arithmetic) }
            if trial.passes(arithmetic, isPanels ? panelBatches : ProductTrial.batches, multiply) { offer.batched.insert(arithmetic) }
        }
        return offer
    }

    /// Square, wide, tall and odd shapes from the bound on; whole and cut panels.
    private static let panelShapes: [ProductTrial.Shape] = [
        .init(bound, bound, 520), .init(33, 260, 300), .init(201, 35, 257), .init(130, 131, 256), .init(64, 97, 1),
    ]
    private static let panelBatches: [ProductTrial.Shape] = [.init(32, 40, 300, batch: 3), .init(65, 33, 31, batch: 2)]
}
