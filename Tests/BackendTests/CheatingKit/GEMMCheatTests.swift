import Foundation
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The cheating kit on matrix products of every class. `ADIT_CHEAT_ROUNDS=N` runs N rounds in place of one and writes the table into
/// docs/VERIFICATION.md.
@Suite struct GEMMCheatTests {
    static let arithmetics: [(Arithmetic, String)] = [
        (.i32Exact, "exact I8"), (.f32Panel256, "bits F32"), (.f64Panel256, "bits F64"), (.f32, "numeric F32"), (.f64, "numeric F64"),
        (.bf16F32, "numeric BF16"),
    ]

    @Test func `every cheat is caught, no honest output is refused`() throws {
        let rounds = ProcessInfo.processInfo.environment["ADIT_CHEAT_ROUNDS"].flatMap { Int($0) } ?? 1
        let backend = try #require(Backends.native.last)
        let passes = try NativePasses(threads: 1)
        var random = TestRandom(2026)
        var table = CheatTable()
        let cheaper = ["TF32", "TF32 of A alone", "TF32 of B alone", "BF16", "FP8 (E4M3)", "F32 for F64", "4-bit integers"].map { CheaperCheat(name: $0) }
        let cheats: [any Cheat] = cheaper + MovedCheat.Kind.allCases.map { MovedCheat(kind: $0) }
        for round in 0..<rounds {
            for (arithmetic, column) in Self.arithmetics {
                let (m, n, k) = (20 + Int(random.next() % 100), 20 + Int(random.next() % 100), 40 + Int(random.next() % 400))
                let gemm = try GEMM(
                    m: m, n: n, k: k, transposeA: random.next() % 2 == 0, transposeB: random.next() % 2 == 0, batch: round % 3 == 2 ? 3 : nil,
                    arithmetic: arithmetic)
                let job = try Self.job(gemm, column, backend, passes, &random)
                try table.add(job, cheats, &random)
                if round == 0 { try table.findSmallest(job, trials: min(3 * rounds, 500), &random) }
            }
        }
        #expect(table.honest.caught == table.honest.tried)
        // A sign or a cell can be too small to see by the probe alone; everything else is as large as the row itself.
        #expect(table.missed.isEmpty, "\(table.missed)")
        if rounds > 1 {
            let document = Vectors.packageRoot.appending(path: "docs/VERIFICATION.md")
            #expect(try table.write(into: document, marker: "cheats gemm"))
        }
    }

    private static func job(
        _ gemm: GEMM, _ column: String, _ backend: NativeGEMM, _ passes: NativePasses, _ random: inout TestRandom
    ) throws -> CheatedJob {
        func operand(_ name: String, _ shape: [Int]) throws -> Tensor {
            let tensor = try Tensor(zeros: try TensorDescriptor(name: name, dtype: gemm.inputDType, shape: shape))
            if gemm.inputDType == .bf16 {
                tensor.withMutableElements(as: UInt16.self) {
                    for i in $0.indices { $0[i] = UInt16(truncatingIfNeeded: Float(random.normal()).bitPattern >> 16) }
                }
            } else {
                Data.normal.fill(tensor, seed: random.next())
            }
            return tensor
        }
        let (a, b, other) = (try operand("a", gemm.shapeA), try operand("b", gemm.shapeB), try operand("b", gemm.shapeB))
        @Sendable func product(_ gemm: GEMM, _ a: Tensor, _ b: Tensor) throws -> Tensor {
            let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
            try backend.run(gemm, a: a, b: b, into: c, control: .none)
            return c
        }
        func rounded(_ tensor: Tensor, _ precision: Precision) throws -> Tensor {
            try tensor.copy { copy in
                if tensor.dtype == .bf16 {
                    copy.withMutableElements(as: UInt16.self) { cells in
                        for i in cells.indices { cells[i] = UInt16(precision.round(Float(bitPattern: UInt32(cells[i]) << 16)).bitPattern >> 16) }
                    }
                } else {
                    copy.withMutableElements(as: Float.self) { cells in for i in cells.indices { cells[i] = precision.round(cells[i]) } }
                }
            }
        }
        var cheaper: [(name: String, outputs: () throws -> [Tensor])] = []
        switch gemm.inputDType {
        case .f32:
            cheaper = [
                ("TF32", { [try product(gemm, try rounded(a, .tf32), try rounded(b, .tf32))] }),
                ("TF32 of A alone", { [try product(gemm, try rounded(a, .tf32), b)] }), ("TF32 of B alone", { [try product(gemm, a, try rounded(b, .tf32))] }),
                ("BF16", { [try product(gemm, try rounded(a, .bf16), try rounded(b, .bf16))] }),
            ]
        case .bf16: cheaper = [("FP8 (E4M3)", { [try product(gemm, try rounded(a, .e4m3), try rounded(b, .e4m3))] })]
        case .f64:
            let single = try GEMM(
                m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, transposeB: gemm.transposeB, batch: gemm.batch, arithmetic: .f32Panel256)
            cheaper = [
                (
                    "F32 for F64",
                    {
                        let c = try product(single, try FloatCheat.converted(a, to: .f32), try FloatCheat.converted(b, to: .f32))
                        return [try FloatCheat.converted(c, to: .f64)]
                    }
                )
            ]
        default:
            func short(_ tensor: Tensor) throws -> Tensor {
                try tensor.copy { $0.withMutableElements(as: Int8.self) { cells in for i in cells.indices { cells[i] &= -16 } } }
            }
            cheaper = [("4-bit integers", { [try product(gemm, try short(a), try short(b))] })]
        }
        return CheatedJob(column: column, right: [try product(gemm, a, b)], others: [try product(gemm, a, other)], cheaper: cheaper) { outputs, challenge in
            let c = try #require(outputs.first)
            try gemm.check(a: a, b: b, c: c)
            let (viewA, viewB) = (try MatrixView(batch: a, transposed: gemm.transposeA), try MatrixView(batch: b, transposed: gemm.transposeB))
            let viewC = try MatrixView(batch: c)
            return switch gemm.arithmetic {
            case .i32Exact: try Freivalds(gemm, a: viewA, b: viewB, c: viewC, passes: passes).verify(challenge)
            case .f32Panel256, .f64Panel256: try BitsVerifier(gemm, a: viewA, b: viewB, c: viewC, passes: passes).verify(challenge)
            default: try NumericVerifier(gemm, a: viewA, b: viewB, c: viewC, passes: passes).verify(challenge)
            }
        }
    }
}
