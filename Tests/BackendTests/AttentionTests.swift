import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels
@testable import OpenCLBackend

/// Attention on our own kernels, and the passes of its check, on every instruction set.
@Suite struct AttentionTests {
    struct Shape: Sendable, CustomStringConvertible {
        let heads: Int, queries: Int, keys: Int, d: Int
        var description: String { "\(heads)×\(queries)×\(keys)×\(d)" }
    }

    /// Single, prime, one past the tiles of queries (8, 16, 32) and of keys (4, 6, 14), of a block (112), odd and usual widths.
    static let shapes: [Shape] = [
        Shape(heads: 1, queries: 1, keys: 1, d: 1), Shape(heads: 2, queries: 1, keys: 113, d: 3), Shape(heads: 3, queries: 7, keys: 2, d: 5),
        Shape(heads: 1, queries: 33, keys: 15, d: 64), Shape(heads: 2, queries: 32, keys: 112, d: 16), Shape(heads: 1, queries: 17, keys: 225, d: 80),
        Shape(heads: 1, queries: 9, keys: 31, d: 128), Shape(heads: 1, queries: 3, keys: 29, d: 256), Shape(heads: 2, queries: 65, keys: 7, d: 2),
        Shape(heads: 1, queries: 5, keys: 500, d: 31),
    ]

    /// Every row within the bound that the check's second look would still take: the derivation is AttentionSource's.
    private func expectNear(_ job: AttentionJob, _ o: Tensor, _ exact: AttentionRows, _ comment: String) {
        let d = job.attention.dimension
        let weights = [Double](repeating: 1, count: job.attention.headCount * d)
        let ratios = AttentionComparison(job.attention, o: o, rows: Array(0..<job.attention.rowCount), weights: weights, found: exact).ratios
        #expect(ratios.allSatisfy { $0 <= 6 }, "\(comment): \(ratios.max() ?? 0)")
    }

    @Test(arguments: shapes, [DType.f32, .bf16])
    func `outputs are near the definition`(shape: Shape, dtype: DType) throws {
        for (index, data) in AttentionData.allCases.enumerated() {
            let causal = index % 2 == 1
            let job = try AttentionJob(
                dtype, heads: shape.heads, queries: causal ? shape.keys : shape.queries, keys: shape.keys, d: shape.d, causal: causal,
                scale: index == 4 ? "0.25" : nil, data, seed: UInt64(index))
            // The plain definition itself where it is quick, elsewhere the pass that is compared with it below.
            let isSmall = job.attention.operations < 20_000
            let exact = try job.exact(isSmall ? PlainPasses() : NativePasses(threads: 1))
            for backend in Backends.attention {
                expectNear(job, try job.run(on: backend), exact, "\(backend.device) \(shape) \(data) causal \(causal)")
            }
        }
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isAvailable), [DType.f32, .bf16])
    func `the vectorised passes agree with the plain ones`(instructionSet: InstructionSet, dtype: DType) throws {
        for (index, shape) in Self.shapes.enumerated() where shape.queries * shape.keys * shape.d < 40_000 {
            let causal = index % 2 == 0
            let job = try AttentionJob(
                dtype, heads: shape.heads, queries: causal ? shape.keys : shape.queries, keys: shape.keys, d: shape.d, causal: causal,
                AttentionData.allCases[index % AttentionData.allCases.count], seed: 3)
            let (native, plain) = (try NativePasses(threads: 2, instructionSet: instructionSet), PlainPasses())
            let (q, k, v) = (job.inputs[0], job.inputs[1], job.inputs[2])
            let columns = job.attention.headCount * shape.d
            let weights = (0..<columns).map { $0 % 5 == 4 ? 0 : Double(sign: .plus, exponent: $0 % 3, significand: 1) }
            let rows = Array(stride(from: 0, to: job.attention.rowCount, by: 3))
            for bits in [23, 10, 3] {
                let a = try native.attentionRows(job.attention, q: q, k: k, v: v, rows: rows, weights: weights, keptBits: bits)
                let b = try plain.attentionRows(job.attention, q: q, k: k, v: v, rows: rows, weights: weights, keptBits: bits)
                // Sums of at most 500 terms in binary64, and scores in the hundreds: 1e-10 is thousands of their roundings.
                for (x, y) in zip(a.variances, b.variances) { #expect(abs(x - y) <= 1e-9 * y, "\(shape) \(bits)") }
                for (place, (x, y)) in zip(a.outputs, b.outputs).enumerated() {
                    let scale = b.outputs[place / shape.d * shape.d..<(place / shape.d + 1) * shape.d].reduce(0) { max($0, abs($1)) }
                    #expect(abs(x - y) <= 1e-10 * scale, "\(shape) \(bits)")
                }
            }
            for tensor in [q, k, v] {
                #expect(
                    try native.columnRanges(tensor, groups: shape.heads, columns: shape.d) == plain.columnRanges(tensor, groups: shape.heads, columns: shape.d))
                let (a, b) = (try native.rowExtent(tensor), try plain.rowExtent(tensor))
                #expect(a.maximum == b.maximum && abs(a.norm - b.norm) <= 1e-12 * b.norm)
            }
        }
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
    func `the passes see what isn't finite`(instructionSet: InstructionSet) throws {
        let native = try NativePasses(threads: 2, instructionSet: instructionSet)
        for (bad, place) in [(Float.nan, 0), (.infinity, 70), (-.infinity, 79), (.nan, 42)] {
            let tensor = try Tensor(zeros: TensorDescriptor(name: "x", dtype: .f32, shape: [2, 2, 20]))
            tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = i == place ? bad : Float(i % 7) } }
            #expect(try native.rowExtent(tensor) == RowExtent(norm: .infinity, maximum: .infinity))
            #expect(try native.columnRanges(tensor, groups: 2, columns: 20) == PlainPasses().columnRanges(tensor, groups: 2, columns: 20))
        }
    }

    @Test func `threads don't change an output, and a head doesn't touch another`() throws {
        let job = try AttentionJob(heads: 3, queries: 70, keys: 130, d: 24)
        for instructionSet in InstructionSet.allCases.filter(\.isAvailable) {
            let roots = try Backends.native.filter { $0.instructionSet == instructionSet }.map { try job.run(on: $0).root }
            #expect(Set(roots).count == 1)
        }
        let changed = try job.inputs[2].copy { v in v.withMutableElements(as: Float.self) { for i in 0..<130 * 24 { $0[i] = 5 } } }
        let other = AttentionJob(job.kernel, [job.inputs[0], job.inputs[1], changed])
        let native = try #require(Backends.native.last)
        let (a, b) = (try job.run(on: native).buffer.bytes, try other.run(on: native).buffer.bytes)
        #expect(a.suffix(2 * 70 * 24 * 4) == b.suffix(2 * 70 * 24 * 4) && a != b)
    }

    @Test func `a run can be canceled, other tensors are refused, nothing is a legal amount`() throws {
        let job = try AttentionJob(heads: 4, queries: 512, keys: 512, d: 16)
        let native = try #require(Backends.native.last)
        let seen = Shares()
        let control = RunControl(report: { seen.add($0) }, isCanceled: { seen.shares.count >= 3 })
        #expect { try job.run(on: native, control: control) } throws: { ($0 as? Problem)?.code == .canceled }
        let whole = Shares()
        _ = try job.run(on: native, control: RunControl(report: { whole.add($0) }))
        #expect(whole.shares.last == 1 && zip(whole.shares, whole.shares.dropFirst()).allSatisfy { $0 <= $1 })
        let short = try Tensor(zeros: TensorDescriptor(name: "o", dtype: .f32, shape: [1, 4, 511, 16]))
        #expect {
            try native.run(job.attention, q: job.inputs[0], k: job.inputs[1], v: job.inputs[2], into: short, control: .none)
        } throws: { ($0 as? Problem)?.code == .shapeMismatch }
        let empty = try AttentionJob(heads: 2, queries: 0, keys: 5, d: 4)
        #expect(try empty.report(empty.run(on: native)).isAccepted)
    }

    @Test(.enabled(if: !Backends.openBLAS.isEmpty, Backends.missing))
    func `a backend without attention says so`() throws {
        let job = try AttentionJob(heads: 1, queries: 2, keys: 2, d: 2)
        let blas = try #require(Backends.openBLAS.first)
        #expect(job.kernel.capability(on: blas) == nil)
        #expect { try job.run(on: blas) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
    }
}

extension Backends {
    /// What runs attention.
    static var attention: [any ComputeBackend] { native + OpenCLDevices.backends.filter { !$0.attentions.isEmpty } }
}
