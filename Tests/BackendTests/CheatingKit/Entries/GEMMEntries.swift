import Kernels
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    /// Products of every class, some with what follows them.
    static let gemm: [KitEntry] = [
        product("I8, exact", .i8), product("F32, bits", .f32), product("F64, bits", .f64), product("F32, numeric", .f32, ["arithmetic": "free"]),
        product("F64, numeric", .f64, ["arithmetic": "free"]), product("BF16, numeric", .bf16),
        product("F32, bits, a batch", .f32, batch: 3), product("I8, exact, a batch", .i8, batch: 3),
        product("F32, bits, bias and relu", .f32, ["activation": "relu"], hasBias: true),
        product("F32, numeric, bias and gelu", .f32, ["arithmetic": "free", "activation": "gelu"], hasBias: true),
    ]

    private static func product(_ title: String, _ dtype: DType, _ given: [String: JSON] = [:], batch: Int? = nil, hasBias: Bool = false) -> KitEntry {
        let sizes = "m and n from 20 to 119, k from 40 to 439, transposed at random" + (batch.map { ", batches of \($0)" } ?? "")
        return KitEntry("gemm", title, sizes) { workshop, random in
            let (m, n, k) = (random.draw(20...119), random.draw(20...119), random.draw(40...439))
            let (transposeA, transposeB) = (random.coin(), random.coin())
            func params(_ changed: [String: JSON] = [:]) -> [(String, JSON)] {
                [("transpose_a", .bool(transposeA)), ("transpose_b", .bool(transposeB))] + given.merging(changed) { $1 }.map { ($0, $1) }
            }
            let lead = batch.map { [$0] } ?? []
            var descriptors = [
                try TensorDescriptor(name: "a", dtype: dtype, shape: lead + (transposeA ? [k, m] : [m, k])),
                try TensorDescriptor(name: "b", dtype: dtype, shape: lead + (transposeB ? [n, k] : [k, n])),
            ]
            if hasBias { descriptors.append(try TensorDescriptor(name: "bias", dtype: dtype, shape: [n])) }
            let kernel = try workshop.kernel(GEMMKernel.name, params(), descriptors)
            let inputs = try workshop.normal(descriptors, &random)
            // The same A: somebody else's half of the same work.
            let others = try workshop.run(kernel, inputs, with: try workshop.normal([descriptors[1]], &random)[0])
            var job = try CheatedJob(kernel, inputs, others: others, workshop) { name in
                name == "c" && hasBias ? .always : .product(kernel.arithmetic, n: n, k: k)
            }
            job.special = Cheat.lowerPrecisions(kernel, inputs, ["a", "b"], workshop)
            job.special.append(
                .passedOff("one of k terms left out") { try workshop.run(kernel, inputs, with: try withoutLastTerm(inputs[0], transposeA, m, k)) })
            if hasBias {
                let plain = try workshop.kernel(GEMMKernel.name, params(["activation": "none"]), descriptors)
                let tanh = try workshop.kernel(GEMMKernel.name, params(["activation": "gelu_tanh"]), descriptors)
                job.special += [
                    .passedOff("bias left out") { try workshop.run(kernel, inputs, with: try inputs[2].zeroed()) },
                    .passedOff("activation left out") { try workshop.run(plain, inputs) }, .passedOff("another activation") { try workshop.run(tanh, inputs) },
                ]
            }
            return job
        }
    }

    /// A with zeros for the last of the k terms of each sum.
    private static func withoutLastTerm(_ a: Tensor, _ isTransposed: Bool, _ m: Int, _ k: Int) throws -> Tensor {
        try a.copy { copy in
            unsafe copy.buffer.withUnsafeMutableBytes { raw in
                let size = copy.dtype.byteCount
                for place in 0..<raw.count / size where (isTransposed ? place / m : place) % k == k - 1 {
                    for byte in 0..<size { unsafe raw[place * size + byte] = 0 }
                }
            }
        }
    }
}

extension Cheat {
    /// The work done on inputs of lower precision: all of `names`, and each alone.
    static func lowerPrecisions(_ kernel: any Kernel, _ inputs: [Tensor], _ names: [String], _ workshop: Workshop) -> [Cheat] {
        guard let dtype = inputs.first(where: { $0.name == names[0] })?.dtype else { return [] }
        let formats: [(String, UInt32)] =
            switch dtype {
            case .f32: [("TF32 or FP16", 10), ("BF16", 7), ("FP8", 3)]
            case .bf16: [("FP8 (E4M3)", 3), ("FP8 (E5M2)", 2)]
            case .f64: [("F32 for F64", 23)]
            case .i32: [("upper halves alone", 16)]
            default: [("4-bit integers", 4)]
            }
        func cheat(_ name: String, _ bits: UInt32, _ which: [String]) -> Cheat {
            .passedOff(name) { try workshop.run(kernel, try inputs.map { which.contains($0.name) ? try $0.narrowed(toBits: bits) : $0 }) }
        }
        let whole = formats.map { name, bits in cheat(name, bits, names) }
        guard names.count > 1, let (name, bits) = formats.first else { return whole }
        return whole + names.map { cheat("\(name), of \($0) alone", bits, [$0]) }
    }
}
